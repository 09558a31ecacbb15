{{- define "task-runner.name" -}}
{{ .Release.Name }}-task-runner
{{- end }}

{{/* Control Plane sets it: cpln helm install … --gvc <name>. */}}
{{- define "task-runner.gvc" -}}
{{- $gvc := dig "cpln" "gvc" "" (.Values.global | default dict) -}}
{{ required "global.cpln.gvc is not set: install with `cpln helm install … --gvc <name>`, which sets it" $gvc }}
{{- end }}

{{- define "task-runner.tags" -}}
app.cpln.io/name: {{ .Release.Name }}
app.cpln.io/instance: {{ .Release.Name }}
app.cpln.io/version: {{ .Chart.AppVersion | quote }}
app.cpln.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "task-runner.identity" -}}
//gvc/{{ include "task-runner.gvc" . }}/identity/{{ include "task-runner.name" . }}-identity
{{- end }}

{{/*
Every secret: the variable that it is for, the name and key where it lies, and with createSecret its
value. One that is not used has no name. With createSecret the keys are the fromSecret ones too, so
that the Redis template finds what it looks for.
*/}}
{{- define "task-runner.secrets" -}}
{{- $redis := .Values.redis.redis.auth.fromSecret }}
{{- $sentinel := .Values.redis.sentinel.auth.fromSecret }}
{{- $admin := .Values.redis.admin.fromSecret }}
{{- $metrics := .Values.metrics.fromSecret }}
{{- $all := list
  (dict "env" "REDIS_PASSWORD" "name" $redis.name "key" $redis.passwordKey "value" .Values.redis.redisPassword)
  (dict "env" "REDIS_SENTINEL_PASSWORD" "name" $sentinel.name "key" $sentinel.passwordKey "value" .Values.redis.sentinelPassword)
  (dict "env" "ADMIN_API_KEY" "name" $admin.name "key" $admin.apiKeyKey "value" .Values.api.env.adminApiKey)
  (dict "env" "METRICS_TOKEN" "name" $metrics.name "key" $metrics.tokenKey "value" .Values.metrics.token) }}
{{- $used := list }}
{{- range $all }}
  {{- if $.Values.createSecret }}
    {{- if .value }}{{ $used = append $used (merge (dict "name" $.Values.secretName) .) }}{{ end }}
  {{- else if .name }}
    {{- $used = append $used . }}
  {{- end }}
{{- end }}
{{- toYaml $used }}
{{- end }}

{{/* What one of the two programs gets, by the names of docs/reference/settings.md. */}}
{{- define "task-runner.env" -}}
{{- $root := .root }}
{{- $part := index $root.Values .part }}
{{- $env := $part.env -}}
MODE: {{ .part }}
PORT: {{ int $part.port | quote }}
LOG_LEVEL: {{ $env.logLevel }}
LOG_FORMAT: json
REDIS_SENTINEL_ADDR: {{ include "task-runner.sentinels" $root | quote }}
REDIS_MASTER_NAME: {{ $root.Values.redisMasterName | quote }}
REDIS_CONNECT_RETRIES: {{ int64 $env.connectRetries | quote }}
REDIS_RETRY_INTERVAL_SEC: {{ int64 $env.retryIntervalSec | quote }}
{{- with $env.otelEndpoint }}
OTEL_EXPORTER_OTLP_ENDPOINT: {{ . | quote }}
{{- end }}
{{- if eq .part "api" }}
{{- with $part.public.pathPrefix }}
PATH_PREFIX: {{ . | quote }}
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
{{- range include "task-runner.secrets" $root | fromYamlArray }}
{{- if or (eq $.part "api") (hasPrefix "REDIS_" .env) }}
{{ .env }}: cpln://secret/{{ .name }}.{{ .key }}
{{- end }}
{{- end }}
{{- end }}

{{/* For how many seconds a program waits for Redis at its start; its port is closed until then. */}}
{{- define "task-runner.startSec" -}}
{{- $env := (index .root.Values .part).env -}}
{{ mul $env.connectRetries $env.retryIntervalSec }}
{{- end }}

{{- define "task-runner.sentinels" -}}
{{- if .Values.redis.enabled -}}
{{ .Release.Name }}-sentinel.{{ include "task-runner.gvc" . }}.cpln.local:26379
{{- else -}}
{{ .Values.redisSentinelAddr }}
{{- end }}
{{- end }}

{{/* What the schema cannot see: values that contradict each other. Each message says what to set. */}}
{{- define "task-runner.check" -}}
{{- if regexMatch "(^|/)cpln-task-runner(:|@|$)" .Values.image }}
{{- fail (printf "image: %s is the program that this one replaces, and ignores most of these values; leave image out of your values, or set it to your copy of this program's image" .Values.image) }}
{{- end }}
{{- range list "api" "worker" }}
{{- $start := include "task-runner.startSec" (dict "root" $ "part" .) | int }}
{{- if gt $start 130 }}
{{- fail (printf "%s.env.connectRetries x %s.env.retryIntervalSec is %d s, and Control Plane gives a replica 150 s to start (expected: at most 130 s; the platform then starts it again, which continues to try)" . . $start) }}
{{- end }}
{{- end }}
{{- if gt (len .Release.Name) 30 }}
{{- fail (printf "the release name %q is longer than 30 characters; Control Plane allows workload names of 49, and they end in -task-runner-worker" .Release.Name) }}
{{- end }}
{{- range list "api" "worker" }}
{{- $replicas := (index $.Values .).replicas }}
{{- if gt (int $replicas.min) (int $replicas.max) }}
{{- fail (printf "%s.replicas.min (%d) is above %s.replicas.max (%d)" . (int $replicas.min) . (int $replicas.max)) }}
{{- end }}
{{- end }}
{{- range list "api" "worker" }}
{{- range $name, $_ := (index $.Values .).extraEnv }}
{{- if has $name (list "TLS_CERT_FILE" "TLS_KEY_FILE") }}
{{- fail (printf "%s is not for extraEnv: Control Plane ends TLS before the workload, within the GVC too, and its probes speak in the clear" $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and .Values.redis.enabled .Values.redisSentinelAddr }}
{{- fail "redisSentinelAddr is set while redis.enabled is true; set redis.enabled: false to use your own Sentinels" }}
{{- end }}
{{- if not (or .Values.redis.enabled .Values.redisSentinelAddr) }}
{{- fail "redis.enabled is false: set redisSentinelAddr to the host:port of your Sentinels" }}
{{- end }}
{{- if .Values.createSecret }}
{{- include "task-runner.check.createSecret" . }}
{{- else }}
{{- include "task-runner.check.fromSecret" . }}
{{- end }}
{{- $dangers := include "task-runner.dangers" . }}
{{- if and .Values.strict $dangers }}
{{- fail (printf "strict is true, and these values are not safe:\n%s" $dangers) }}
{{- end }}
{{- end }}

{{- define "task-runner.check.createSecret" -}}
{{- $name := .Values.secretName }}
{{- $redis := .Values.redis }}
{{- if or (ne $redis.redis.auth.fromSecret.name $name) (ne $redis.sentinel.auth.fromSecret.name $name) (ne $redis.admin.fromSecret.name $name) }}
{{- fail (printf `secretName is %q, but not every fromSecret.name is. Helm cannot hand it on to the Redis template; set:
secretName: %s
redis:
  redis:
    auth:
      fromSecret:
        name: %s
  sentinel:
    auth:
      fromSecret:
        name: %s
  admin:
    fromSecret:
      name: %s
` $name $name $name $name $name) }}
{{- end }}
{{- $keys := list }}
{{- range include "task-runner.secrets" . | fromYamlArray }}
{{- if has .key $keys }}
{{- fail (printf "two secrets would have the key %q in %s; give redis.redis.auth.fromSecret.passwordKey, redis.sentinel.auth.fromSecret.passwordKey, redis.admin.fromSecret.apiKeyKey and metrics.fromSecret.tokenKey names of their own" .key $name) }}
{{- end }}
{{- $keys = append $keys .key }}
{{- end }}
{{- end }}

{{/*
With a secret of one's own, a token that would go into ours is lost. An admin key given as a value only
causes a note: with the template that this chart replaces, it is what turns the key of the secret on.
*/}}
{{- define "task-runner.check.fromSecret" -}}
{{- if .Values.metrics.token }}
{{- fail "metrics.token is not used with createSecret: false; put it into your secret and name it in metrics.fromSecret" }}
{{- end }}
{{- end }}

{{/* What is dangerous in the values as they are, a line each; nothing when all is well. */}}
{{- define "task-runner.dangers" -}}
{{- $where := ternary "anyone on the internet" "anyone in this GVC" .Values.api.public.enabled }}
{{- $adminKey := ternary .Values.api.env.adminApiKey .Values.redis.admin.fromSecret.name .Values.createSecret }}
{{- $passwords := list .Values.redis.redisPassword .Values.redis.sentinelPassword }}
{{- if and .Values.createSecret (has "mypassword" $passwords) }}
- The password of Redis or of its Sentinels is the published default. Set redis.redisPassword and redis.sentinelPassword.
{{- end }}
{{- if and .Values.api.enabled .Values.api.public.enabled (not $adminKey) }}
- The API is public and has no admin key: admin calls are refused until there is one. Set {{ ternary "api.env.adminApiKey" "redis.admin.fromSecret" .Values.createSecret }}.
{{- end }}
{{- if and .Values.api.enabled (eq .Values.api.env.clientAuth "open") }}
- Enqueue is open: {{ $where }} may have the worker send requests. Give clients keys and set api.env.clientAuth: required.
{{- end }}
{{- if and .Values.api.enabled (eq .Values.api.env.cloudTasksAuth "open") }}
- Google's protocol is open to {{ $where }}. Set api.env.cloudTasksAuth: required.
{{- end }}
{{- end }}
