{{/* The command line of the container, one flag a line, every choice written out. */}}
{{- define "source-ip-webhook.args" -}}
{{- $v := .Values -}}
{{- $name := include "source-ip-webhook.fullname" . -}}
- serve
{{- with $v.host }}
- {{ print "--host=" . | quote }}
{{- end }}
- --port={{ int $v.port }}
- --ops-port={{ int $v.opsPort }}
{{- if eq "managed" (include "source-ip-webhook.tlsMode" .) }}
- --tls-managed
- --tls-secret={{ include "source-ip-webhook.tlsSecret" . }}
- --tls-namespace={{ .Release.Namespace }}
- --tls-service={{ $name }}
{{- range $v.tls.hosts }}
- {{ print "--tls-host=" . | quote }}
{{- end }}
{{- with $v.tls.managed }}
- --tls-ca-lifetime={{ .caLifetime }}
- --tls-leaf-lifetime={{ .leafLifetime }}
- --tls-propagation={{ .propagation }}
- --tls-overlap={{ .overlap }}
{{- end }}
{{- else }}
- --tls-cert=/etc/source-ip-webhook/tls/tls.crt
- --tls-key=/etc/source-ip-webhook/tls/tls.key
{{- end }}
{{- if include "source-ip-webhook.clientAuthority" . }}
- {{ print "--client-ca=/etc/source-ip-webhook/clients/" $v.clientCertificates.key | quote }}
{{- range $v.clientCertificates.names }}
- {{ print "--client-name=" . | quote }}
{{- end }}
{{- end }}
- --configuration={{ $v.configuration.name }}
{{ include "source-ip-webhook.optionArgs" . }}
{{- if $v.audit.enabled }}
- --audit-report={{ .Release.Namespace }}/{{ $name }}-audit
{{- end }}
- --drain={{ $v.drain }}
- --log-format={{ $v.logFormat }}
- --log-level={{ $v.logLevel }}
{{- end }}

{{/* The flags that change a decision: those who judge what exists have to have the same. */}}
{{- define "source-ip-webhook.optionArgs" -}}
{{- $v := .Values -}}
- --label-key={{ $v.labelKey }}
- --service-traffic-policy={{ $v.serviceTrafficPolicy }}
{{- if $v.nodePorts }}
- --node-ports
{{- end }}
{{- if $v.eastWestGateways }}
- --east-west-gateways
{{- end }}
{{- if $v.servicesWithoutSelector }}
- --services-without-selector
{{- end }}
{{- if $v.sharedAddresses }}
- --shared-addresses
{{- end }}
{{- if $v.ciliumL2 }}
- --cilium-l2
{{- end }}
{{- if $v.azurePlsProxyProtocol }}
- --azure-pls-proxy-protocol
{{- end }}
{{- range $v.sidecarTemplates }}
- {{ print "--sidecar-template=" . | quote }}
{{- end }}
{{- range $v.sandboxedRuntimeClasses }}
- {{ print "--sandboxed-runtime-class=" . | quote }}
{{- end }}
{{- if $v.requireInjectionLabel }}
- --require-injection-label
{{- end }}
{{- if $v.ignorePodSecurity }}
- --ignore-pod-security
{{- end }}
- --root-namespace={{ $v.rootNamespace }}
{{- if $v.ignoreSidecars }}
- --ignore-sidecars
{{- end }}
{{- if $v.inboundLocalhost }}
- --inbound-localhost
{{- end }}
{{- end }}

{{/* The command line of the audit in the cluster. */}}
{{- define "source-ip-webhook.auditArgs" -}}
- audit
- --output=json
- --publish={{ .Release.Namespace }}/{{ include "source-ip-webhook.fullname" . }}-audit
{{- if not .Values.audit.findingsFailJob }}
- --exit-zero
{{- end }}
- --configuration={{ .Values.configuration.name }}
{{ include "source-ip-webhook.optionArgs" . }}
{{- end }}
