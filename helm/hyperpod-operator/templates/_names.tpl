{{- define "hyperpod-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* 48 characters at most: suffixes and the hashes of pods follow. */ -}}
{{- define "hyperpod-operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains (include "hyperpod-operator.name" .) .Release.Name -}}
{{- .Release.Name | trunc 48 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "hyperpod-operator.name" .) | trunc 48 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "hyperpod-operator.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "hyperpod-operator.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "hyperpod-operator.selector" -}}
app.kubernetes.io/name: {{ include "hyperpod-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "hyperpod-operator.labels" -}}
{{ include "hyperpod-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "hyperpod-operator.crdAnnotations" -}}
{{- if .Values.crds.keep }}
helm.sh/resource-policy: keep
{{- end }}
{{- with .Values.crds.annotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "hyperpod-operator.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- /* The API of mutating policies: the stable one where the API server has it. v1beta1 ends with Kubernetes 1.40. */ -}}
{{- define "hyperpod-operator.mutatingPolicies" -}}
{{- $stable := "admissionregistration.k8s.io/v1" -}}
{{- ternary $stable (print $stable "beta1") (.Capabilities.APIVersions.Has (print $stable "/MutatingAdmissionPolicy")) -}}
{{- end -}}
