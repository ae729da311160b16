{{- /* What `hyperpod-operator run` is told. Every flag has its value here, so the pod shows all that is in force. */ -}}
{{- define "hyperpod-operator.arguments" -}}
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
{{- with .Values.reconcile }}
- --workers={{ .workers }}
- --resync-seconds={{ .resyncSeconds }}
- --sweep-seconds={{ .sweepSeconds }}
- --poll-seconds={{ .pollSeconds }}
- --settle-seconds={{ .settleSeconds }}
- --echo-seconds={{ .echoSeconds }}
- --visibility-seconds={{ .visibilitySeconds }}
- --confirm-seconds={{ .confirmSeconds }}
- --adoption-notice-seconds={{ .adoptionNoticeSeconds }}
{{- end }}
- --http-port={{ .Values.metrics.port }}
{{- with .Values.tracing.endpoint }}
- --otlp-endpoint={{ . }}
{{- end }}
- --log-format={{ .Values.log.format }}
- --log-level={{ .Values.log.level }}
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}
