{{- /* Generated from the records of the kinds by `make chart`. */ -}}
{{- define "hyperpod-operator.kinds" -}}
hyperpodclusters, ebsvolumeclaims, hyperpodnodeoperations
{{- end -}}
{{- define "hyperpod-operator.kinds.approvable" -}}
hyperpodclusters, hyperpodnodeoperations
{{- end -}}
{{- define "hyperpod-operator.kinds.followNodes" -}}
{{- if or .Values.volumes.enabled .Values.nodeOperations.enabled false }}true{{- end }}
{{- end -}}
{{- define "hyperpod-operator.rules.kinds.namespaced" -}}
- apiGroups: [hyperpod-operator.dev]
  resources: [hyperpodclusters]
  verbs: [get, list, watch, patch]
- apiGroups: [hyperpod-operator.dev]
  resources: [hyperpodclusters/status]
  verbs: [patch]
- apiGroups: [hyperpod-operator.dev]
  resources: [hyperpodclusters/status] # what approvers read, of which the policy of another installation asks
  verbs: [approve]
{{- if .Values.volumes.enabled }}
- apiGroups: [hyperpod-operator.dev]
  resources: [ebsvolumeclaims]
  verbs: [get, list, watch, patch]
- apiGroups: [hyperpod-operator.dev]
  resources: [ebsvolumeclaims/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, create, delete]
- apiGroups: [""]
  resources: [pods] # who uses a volume that is to be detached; RBAC cannot limit a list by field
  verbs: [list]
{{- end }}
{{- if .Values.nodeOperations.enabled }}
- apiGroups: [hyperpod-operator.dev]
  resources: [hyperpodnodeoperations]
  verbs: [get, list, watch, patch, delete]
- apiGroups: [hyperpod-operator.dev]
  resources: [hyperpodnodeoperations/status]
  verbs: [patch]
- apiGroups: [hyperpod-operator.dev]
  resources: [hyperpodnodeoperations/status] # what approvers read, of which the policy of another installation asks
  verbs: [approve]
{{- end }}
{{- end -}}
{{- define "hyperpod-operator.rules.kinds.cluster" -}}
{{- if .Values.volumes.enabled }}
- apiGroups: [""]
  resources: [persistentvolumes]
  verbs: [get, list, create, delete]
- apiGroups: [storage.k8s.io]
  resources: [volumeattachments] # whether the EBS CSI driver has a volume
  verbs: [list]
{{- end }}
{{- end -}}
{{- define "hyperpod-operator.rules.kinds.ownNamespace" -}}
{{- if .Values.volumes.enabled }}
- apiGroups: [coordination.k8s.io]
  resources: [leases] # one for each volume, named by AWS
  verbs: [get, create, patch, delete]
{{- end }}
{{- end -}}
