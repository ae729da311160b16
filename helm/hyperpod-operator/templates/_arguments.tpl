{{- /* What `hyperpod-operator run` is told. Every flag has its value here, so the pod shows all that is in force. */ -}}
{{- define "hyperpod-operator.arguments" -}}
{{ include "hyperpod-operator.arguments.own" . }}
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "hyperpod-operator.arguments.own" -}}
- run
{{- range .Values.watchNamespaces }}
- --namespace={{ . }}
{{- end }}
{{- with .Values.aws.region }}
- --region={{ . }}
{{- end }}
{{- range .Values.aws.allowedRegions }}
- --allowed-region={{ . }}
{{- end }}
{{- if .Values.aws.allowUnknownRegion }}
- --allow-unknown-region
{{- else }}
- --no-allow-unknown-region
{{- end }}
{{- if .Values.tenants.enabled }}
- --tenants=/etc/hyperpod-operator/tenants.yaml
{{- end }}
- --aws-reads-per-second={{ .Values.aws.readsPerSecond }}
- --aws-writes-per-second={{ .Values.aws.writesPerSecond }}
- --lease-namespace={{ .Release.Namespace }}
{{- with .Values.leaderElection }}
{{- if .enabled }}
- --leader-election
- --lease-name={{ include "hyperpod-operator.fullname" $ }}
- --lease-duration={{ .leaseDurationSeconds }}
- --renew-deadline={{ .renewDeadlineSeconds }}
- --retry-period={{ .retryPeriodSeconds }}
{{- else }}
- --no-leader-election
{{- end }}
{{- end }}
- --preflight={{ .Values.preflight }}
{{- if .Values.cost.enabled }}
- --cost
{{- if .Values.cost.prices }}
- --price-file=/etc/hyperpod-operator-prices/prices.yaml
{{- end }}
{{- else }}
- --no-cost
{{- end }}
{{- if .Values.nodeHealth.enabled }}
- --node-health
- --node-writes-per-second={{ .Values.nodeHealth.writesPerSecond }}
{{- else }}
- --no-node-health
{{- end }}
{{- if .Values.volumes.enabled }}
- --volumes
{{- else }}
- --no-volumes
{{- end }}
{{- if .Values.nodeOperations.enabled }}
- --node-operations
{{- else }}
- --no-node-operations
{{- end }}
{{- with .Values.reconcile }}
- --workers={{ .workers }}
- --resync-seconds={{ .resyncSeconds }}
- --full-sync-seconds={{ .fullSyncSeconds }}
- --poll-seconds={{ .pollSeconds }}
- --debounce-seconds={{ .debounceSeconds }}
- --propagation-window-seconds={{ .propagationWindowSeconds }}
- --visibility-seconds={{ .visibilitySeconds }}
- --deletion-confirmation-seconds={{ .deletionConfirmationSeconds }}
- --adoption-notice-seconds={{ .adoptionNoticeSeconds }}
{{- end }}
- --health-probe-bind-address=:{{ .Values.healthProbe.port }}
- --metrics-bind-address=:{{ .Values.metrics.port }}
{{- if .Values.metrics.tls.secretName }}
- --metrics-cert-path=/var/run/secrets/hyperpod-operator/metrics
{{- end }}
{{- if .Values.metrics.authentication.enabled }}
{{- if not .Values.metrics.tls.secretName }}
{{- fail "metrics.authentication.enabled needs metrics.tls.secretName: without TLS anyone on the network could read the tokens." }}
{{- end }}
- --metrics-auth
{{- else }}
- --no-metrics-auth
{{- end }}
{{- with .Values.tracing.endpoint }}
- {{ printf "--otlp-endpoint=%s" . | quote }}
{{- end }}
- --state-dir=/tmp
{{- with .Values.audit.file }}
- {{ printf "--audit-file=%s" . | quote }}
{{- end }}
- --log-format={{ .Values.log.format }}
- --log-level={{ .Values.log.level }}
{{- end -}}
