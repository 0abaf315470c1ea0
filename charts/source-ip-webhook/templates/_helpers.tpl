{{/* Name of everything but the configuration: the release's, with the chart's where that is not in it. */}}
{{- define "source-ip-webhook.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride }}
{{- else if contains .Chart.Name .Release.Name }}
{{- .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 53 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What tells the serving Pods from all others; a Deployment's selector cannot be changed. */}}
{{- define "source-ip-webhook.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: webhook
{{- end }}

{{/* Of the Pod of `helm test`: not one of the Service's, but let through by the NetworkPolicy. */}}
{{- define "source-ip-webhook.testSelector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: test
{{- end }}

{{/* Of the Pods that audit. */}}
{{- define "source-ip-webhook.auditSelector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: audit
{{- end }}

{{/* Of the policies that the API server evaluates itself. */}}
{{- define "source-ip-webhook.policySelector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: policy
{{- end }}

{{/* Labels of every object, besides those and the user's. */}}
{{- define "source-ip-webhook.ownLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Labels of an object. The argument: context; what it belongs to, if not the webhook; further labels, if any. */}}
{{- define "source-ip-webhook.labels" -}}
{{ include (printf "source-ip-webhook.%s" (.selector | default "selector")) .context }}
{{ include "source-ip-webhook.ownLabels" .context }}
{{- with merge dict (.labels | default dict) .context.Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Name, namespace and labels. The argument: as above, and what is appended to the name. */}}
{{- define "source-ip-webhook.metadata" -}}
name: {{ print (include "source-ip-webhook.fullname" .context) .suffix | quote }}
namespace: {{ .context.Release.Namespace | quote }}
labels:
  {{- include "source-ip-webhook.labels" . | nindent 2 }}
{{- end }}

{{/* The same for an object without a namespace, whose whole name is given. */}}
{{- define "source-ip-webhook.clusterMetadata" -}}
name: {{ .name | quote }}
labels:
  {{- include "source-ip-webhook.labels" . | nindent 2 }}
{{- end }}

{{/* The image; global.imageRegistry takes the place of the registry in its name, if there is one. */}}
{{- define "source-ip-webhook.image" -}}
{{- $repository := .Values.image.repository }}
{{- with .Values.global.imageRegistry }}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) (regexReplaceAll "^(localhost|[^/]*[.:][^/]*)/" $repository "") }}
{{- end }}
{{- with .Values.image -}}
{{ $repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* Names of the Secrets for the registry, the parent chart's first; those may be plain names. */}}
{{- define "source-ip-webhook.imagePullSecrets" -}}
{{- $names := list }}
{{- range concat .Values.global.imagePullSecrets .Values.imagePullSecrets }}
{{- if kindIs "map" . }}
{{- $names = append $names .name }}
{{- else }}
{{- $names = append $names . }}
{{- end }}
{{- end }}
{{- range uniq $names }}
- name: {{ . | quote }}
{{- end }}
{{- end }}

{{/* Where the certificate comes from: managed, cert-manager or existing. */}}
{{- define "source-ip-webhook.tlsMode" -}}
{{- if .Values.tls.existingSecret }}existing
{{- else if .Values.tls.certManager.enabled }}cert-manager
{{- else }}managed
{{- end }}
{{- end }}

{{/* The Secret with tls.crt and tls.key. */}}
{{- define "source-ip-webhook.tlsSecret" -}}
{{- .Values.tls.existingSecret | default (printf "%s-tls" (include "source-ip-webhook.fullname" .)) }}
{{- end }}

{{/* How many seconds a duration is, such as 90d or 1h30m. */}}
{{- define "source-ip-webhook.seconds" -}}
{{- $total := 0 }}
{{- range regexFindAll "[0-9]+[smhd]" . -1 }}
{{- $unit := get (dict "s" 1 "m" 60 "h" 3600 "d" 86400) (regexFind ".$" .) }}
{{- $total = add $total (mul (regexFind "^[0-9]+" .) $unit) }}
{{- end }}
{{- $total }}
{{- end }}

{{/* The ConfigMap or Secret with the authority of the callers; empty: anybody may call. */}}
{{- define "source-ip-webhook.clientAuthority" -}}
{{- .Values.clientCertificates.configMap | default .Values.clientCertificates.secret }}
{{- end }}

{{/* Name of the CronJob, whose Jobs are called by it and eleven more characters. */}}
{{- define "source-ip-webhook.auditJob" -}}
{{ include "source-ip-webhook.fullname" . | trunc 46 | trimSuffix "-" }}-audit
{{- end }}

{{/* How many replicas there are at least. */}}
{{- define "source-ip-webhook.leastReplicas" -}}
{{- if .Values.autoscaling.enabled }}{{ int .Values.autoscaling.minReplicas }}{{ else }}{{ int .Values.replicas }}{{ end }}
{{- end }}

{{/* securityContext of a Pod, as Pod Security "restricted" asks for. */}}
{{- define "source-ip-webhook.podSecurityContext" -}}
runAsNonRoot: true
{{- with .Values.runAsUser }}
runAsUser: {{ int . }}
runAsGroup: {{ int . }}
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* And of its container. */}}
{{- define "source-ip-webhook.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/*
affinity of the Pod: the admin's, and another zone than the other replicas' where that is a wish only. As a
second soft spread constraint it would undo the first: the scheduler scores no node that lacks one of the
labels, and many clusters know no zones.
*/}}
{{- define "source-ip-webhook.affinity" -}}
{{- $affinity := deepCopy (.Values.affinity | default dict) }}
{{- if eq .Values.topologySpread.zones "ScheduleAnyway" }}
{{- $anti := get $affinity "podAntiAffinity" | default dict }}
{{- $key := "preferredDuringSchedulingIgnoredDuringExecution" }}
{{- $replicas := dict "matchLabels" (include "source-ip-webhook.selector" . | fromYaml) }}
{{- $term := dict "topologyKey" "topology.kubernetes.io/zone" "labelSelector" $replicas "matchLabelKeys" (list "pod-template-hash") }}
{{- $wish := dict "weight" 100 "podAffinityTerm" $term }}
{{- $_ := set $anti $key (append (get $anti $key | default list) $wish) }}
{{- $_ := set $affinity "podAntiAffinity" $anti }}
{{- end }}
{{- with $affinity }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{/* The ways out that a NetworkPolicy leaves: to the API servers and to DNS. The argument: networkPolicy. */}}
{{- define "source-ip-webhook.egress" -}}
{{- if .egress.enabled -}}
egress:
  - ports:
      {{- range .egress.apiServerPorts }}
      - port: {{ int . }}
      {{- end }}
    {{- with .apiServerCIDRs }}
    to:
      {{- range . }}
      - ipBlock:
          cidr: {{ . | quote }}
      {{- end }}
    {{- end }}
  # DNS; OpenShift's listens on the second port, and policies see the port of the Pod.
  - ports:
      {{- range $port := list 53 5353 }}
      {{- range $protocol := list "UDP" "TCP" }}
      - port: {{ $port }}
        protocol: {{ $protocol }}
      {{- end }}
      {{- end }}
{{- end }}
{{- end }}

{{/*
Version of the kinds of mutating policies: the newest that the cluster serves. Helm without a cluster
(`helm template`) lists no kinds, and then it is v1; --api-versions tells it of another.
*/}}
{{- define "source-ip-webhook.policyVersion" -}}
{{- $group := "admissionregistration.k8s.io" }}
{{- if .Capabilities.APIVersions.Has (print $group "/v1/MutatingAdmissionPolicy") }}v1
{{- else if .Capabilities.APIVersions.Has (print $group "/v1beta1/MutatingAdmissionPolicy") }}v1beta1
{{- else if .Capabilities.APIVersions.Has (print $group "/v1/MutatingWebhookConfiguration") }}
{{- fail "backend is policy, and this cluster serves no MutatingAdmissionPolicy: it comes with Kubernetes 1.36, and with 1.34 and 1.35 where kube-apiserver was told to; leave backend at webhook, or upgrade the cluster." }}
{{- else }}v1
{{- end }}
{{- end }}
