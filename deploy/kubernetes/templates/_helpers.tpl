{{- define "task-runner.name" -}}
{{ .Release.Name }}-task-runner
{{- end }}

{{- define "task-runner.selector" -}}
app.kubernetes.io/name: task-runner
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "task-runner.labels" -}}
{{ include "task-runner.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "task-runner.metadata" -}}
name: {{ include "task-runner.name" .root }}-{{ .part }}
labels: {{- include "task-runner.labels" . | nindent 2 }}
{{- end }}

{{/* A map whose values Kubernetes takes only as strings: annotations and labels. */}}
{{- define "task-runner.strings" -}}
{{- range $name, $value := . }}
{{ $name }}: {{ kindIs "string" $value | ternary $value (toJson $value) | quote }}
{{- end }}
{{- end }}

{{- define "task-runner.secret" -}}
{{ .Values.existingSecret | default (include "task-runner.name" .) }}
{{- end }}

{{/* The names of the three bundled pods, as a list in JSON: each has a Service of its own name. */}}
{{- define "task-runner.redisHosts" -}}
{{- $hosts := list }}
{{- range until 3 }}
{{- $hosts = append $hosts (printf "%s-redis-%d.%s.svc" (include "task-runner.name" $) . $.Release.Namespace) }}
{{- end }}
{{- toJson $hosts }}
{{- end }}

{{/* What one of the two programs gets, by the names of docs/reference/settings.md. */}}
{{- define "task-runner.env" -}}
{{- $redis := .root.Values.redis }}
{{- $part := index .root.Values .part }}
{{- $env := $part.env -}}
MODE: {{ .part }}
PORT: {{ int $part.port | quote }}
LOG_LEVEL: {{ $env.logLevel }}
LOG_FORMAT: json
REDIS_CONNECT_RETRIES: {{ int64 $redis.connectRetries | quote }}
REDIS_RETRY_INTERVAL_SEC: {{ int64 $redis.retryIntervalSec | quote }}
{{- if eq $redis.kind "bundled" }}
REDIS_SENTINEL_ADDR: {{ join ":26379," (include "task-runner.redisHosts" .root | fromJsonArray) }}:26379
REDIS_MASTER_NAME: mymaster
{{- else if eq $redis.kind "sentinel" }}
REDIS_SENTINEL_ADDR: {{ $redis.sentinelAddr | quote }}
REDIS_MASTER_NAME: {{ $redis.masterName | quote }}
{{- else if eq $redis.kind "node" }}
REDIS_URL: {{ $redis.url | quote }}
{{- else }}
REDIS_CLUSTER_NODES: {{ $redis.clusterNodes | quote }}
{{- end }}
{{- if ne $redis.kind "bundled" }}
REDIS_TLS: {{ $redis.tls | quote }}
{{- with $redis.username }}
REDIS_USERNAME: {{ . | quote }}
{{- end }}
{{- end }}
{{- with $env.otelEndpoint }}
OTEL_EXPORTER_OTLP_ENDPOINT: {{ . | quote }}
{{- end }}
{{- if eq .part "api" }}
{{- with $env.pathPrefix }}
PATH_PREFIX: {{ . | quote }}
{{- end }}
{{- if $part.tlsSecret }}
TLS_CERT_FILE: /tls/tls.crt
TLS_KEY_FILE: /tls/tls.key
{{- end }}
CLIENT_AUTH: {{ $env.clientAuth }}
CLOUD_TASKS_AUTH: {{ $env.cloudTasksAuth }}
REDIS_WAIT_REPLICAS: {{ $env.waitReplicas | toString | quote }}
SHUTDOWN_DRAIN_SEC: {{ int64 $env.drainSec | quote }}
{{- else }}
WORKER_CONCURRENCY: {{ int64 $env.concurrency | quote }}
TASK_TIMEOUT_SEC: {{ int64 $env.taskTimeoutSec | quote }}
MAX_RETRY: {{ int64 $env.maxRetry | quote }}
ALLOW_PRIVATE_URLS: {{ $env.allowPrivateUrls | quote }}
CB_FAILURE_THRESHOLD: {{ int64 $env.cbFailureThreshold | quote }}
CB_TIMEOUT_SEC: {{ int64 $env.cbTimeoutSec | quote }}
SHUTDOWN_GRACE_SEC: {{ int64 $env.graceSec | quote }}
{{- end }}
{{- end }}

{{/* How the port is spoken to: that of a worker is for probes and metrics alone, and always in the clear. */}}
{{- define "task-runner.scheme" -}}
{{ dig "tlsSecret" "" (index .root.Values .part) | empty | ternary "http" "https" }}
{{- end }}

{{/* A variable and the key of the secret that it is read from. Those of the API are the API's alone. */}}
{{- define "task-runner.secretEnv" -}}
REDIS_PASSWORD: redis-password
{{- if has .root.Values.redis.kind (list "bundled" "sentinel") }}
REDIS_SENTINEL_PASSWORD: redis-sentinel-password
{{- end }}
{{- if eq .part "api" }}
ADMIN_API_KEY: admin-api-key
METRICS_TOKEN: metrics-token
{{- end }}
{{- end }}

{{- define "task-runner.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Given the user that the image was made for. */}}
{{- define "task-runner.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* Rather apart than together, but together rather than not at all. */}}
{{- define "task-runner.placement" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "task-runner.selector" . | nindent 8 }}
{{- with .root.Values.nodeSelector }}
nodeSelector: {{- include "task-runner.strings" . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What the schema cannot see: values that need each other. Each message says what to set. */}}
{{- define "task-runner.check" -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" .Release.Name) }}
{{- fail (printf "the release name %q cannot be part of a Service's name (expected: a-z, 0-9 and -, beginning with a letter)" .Release.Name) }}
{{- end }}
{{- if gt (len .Release.Name) 38 }}
{{- fail (printf "the release name %q is longer than 38 characters, and the names made of it would be too long" .Release.Name) }}
{{- end }}
{{- $redis := .Values.redis }}
{{- range $kind, $value := dict "sentinel" "sentinelAddr" "node" "url" "cluster" "clusterNodes" }}
{{- if and (eq $redis.kind $kind) (not (index $redis $value)) }}
{{- fail (printf "redis.kind is %s: set redis.%s" $kind $value) }}
{{- end }}
{{- if and (ne $redis.kind $kind) (index $redis $value) }}
{{- fail (printf "redis.%s is set, but redis.kind is %s; set redis.kind: %s to use it" $value $redis.kind $kind) }}
{{- end }}
{{- end }}
{{- if .Values.existingSecret }}
{{- range $name, $value := .Values.secret }}
{{- if $value }}
{{- fail (printf "secret.%s is not used with existingSecret; put it into that secret" $name) }}
{{- end }}
{{- end }}
{{- else if and (eq $redis.kind "bundled") (not (and .Values.secret.redisPassword .Values.secret.sentinelPassword)) }}
{{- fail "the bundled Redis has no password of its own: set secret.redisPassword and secret.sentinelPassword, or existingSecret" }}
{{- end }}
{{- range list "api" "worker" }}
{{- $part := index $.Values . }}
{{- if and $part.autoscaling.enabled (gt (int $part.replicas) (int $part.autoscaling.max)) }}
{{- fail (printf "%s.replicas (%d) is above %s.autoscaling.max (%d)" . (int $part.replicas) . (int $part.autoscaling.max)) }}
{{- end }}
{{- end }}
{{- range list "api" "worker" }}
{{- range $name, $_ := (index $.Values .).extraEnv }}
{{- if has $name (list "TLS_CERT_FILE" "TLS_KEY_FILE") }}
{{- fail (printf "%s is not for extraEnv, since the probes would not know of it; name a secret in api.tlsSecret" $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- $dangers := include "task-runner.dangers" . }}
{{- if and .Values.strict $dangers }}
{{- fail (printf "strict is true, and these values are not safe:\n%s" $dangers) }}
{{- end }}
{{- end }}

{{/* What is dangerous in the values as they are, a line each; nothing when all is well. */}}
{{- define "task-runner.dangers" -}}
{{- if .Values.api.enabled }}
{{- if eq .Values.api.env.clientAuth "open" }}
- Enqueue is open: whoever reaches the API may have the worker send requests. Give clients keys and set api.env.clientAuth: required.
{{- end }}
{{- if eq .Values.api.env.cloudTasksAuth "open" }}
- Google's protocol is open to whoever reaches the API. Set api.env.cloudTasksAuth: required.
{{- end }}
{{- if not (or .Values.existingSecret .Values.secret.adminApiKey) }}
- There is no admin key: admin calls are refused until there is one. Set secret.adminApiKey.
{{- end }}
{{- end }}
{{- end }}
