{{- /* Names. At most 40 characters: Flink's id of a cluster has 45, and names of pods grow. */}}
{{- define "statefun.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains .Chart.Name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- /* Labels that never change, as selectors cannot: (list . "component"). */}}
{{- define "statefun.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- /* Those of pods and of claims of a StatefulSet: with versions, each release of the chart would restart the job, and
Kubernetes would refuse the new claims. */}}
{{- define "statefun.podLabels" -}}
{{ include "statefun.selector" . }}
app.kubernetes.io/part-of: statefun
{{- end }}

{{- define "statefun.labels" -}}
{{- $root := index . 0 -}}
{{ include "statefun.podLabels" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end }}

{{- define "statefun.image" -}}
{{- $root := index . 0 }}{{ $image := index . 1 -}}
image: {{ printf "%s:%s" $image.repository ($image.tag | default $root.Chart.AppVersion) | quote }}
imagePullPolicy: {{ $image.pullPolicy }}
{{- end }}

{{- define "statefun.pullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Where pods may run. */}}
{{- define "statefun.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Not all on one node, nor in one zone, where that can be helped. */}}
{{- define "statefun.spread" -}}
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "statefun.selector" $ | nindent 8 }}
  {{- end }}
{{- end }}

{{- define "statefun.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
{{- end }}

{{- /* A setting as text. Numbers of a file of values are floats, and large ones would be written 6.7e+07. */}}
{{- define "statefun.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{- /* Whether the functions are the chart's own. */}}
{{- define "statefun.ownFunctions" -}}
{{- if not .Values.statefun.endpoint }}true{{ end }}
{{- end }}

{{- /* Whether there is a Kafka of the chart's own. */}}
{{- define "statefun.ownKafka" -}}
{{- if and .Values.statefun.enabled (eq .Values.connector "kafka") (not .Values.kafka.address) (not .Values.module.existingSecret) }}true{{ end }}
{{- end }}

{{- define "statefun.kafkaAddress" -}}
{{- .Values.kafka.address | default (printf "%s-kafka:9092" (include "statefun.fullname" .)) }}
{{- end }}

{{- define "statefun.endpoint" -}}
{{- .Values.statefun.endpoint | default (printf "http%s://%s-functions:8000/statefun" (.Values.tls.enabled | ternary "s" "") (include "statefun.fullname" .)) }}
{{- end }}

{{- /* The Secrets of TLS: of the functions, and of the workers. */}}
{{- define "statefun.tlsSecret" -}}
{{- .Values.tls.existingSecret | default (printf "%s-functions-tls" (include "statefun.fullname" .)) }}
{{- end }}

{{- define "statefun.tlsClientSecret" -}}
{{- .Values.tls.existingClientSecret | default (printf "%s-taskmanager-tls" (include "statefun.fullname" .)) }}
{{- end }}

{{- /* Where checkpoints are kept: a URL for Flink. */}}
{{- define "statefun.checkpoints" -}}
{{- .Values.statefun.checkpoints.dir | default "file:///checkpoints" | trimSuffix "/" }}
{{- end }}

{{- define "statefun.moduleName" -}}
{{- .Values.module.existingSecret | default (printf "%s-module" (include "statefun.fullname" .)) }}
{{- end }}

{{- /* What no value alone is wrong about, but some together. */}}
{{- define "statefun.check" -}}
{{- if and (not .Values.statefun.enabled) .Values.statefun.endpoint }}
{{- fail "statefun.enabled=false and statefun.endpoint leave nothing to install: with the first there is no cluster, with the second there are no functions" }}
{{- end }}
{{- if and .Values.statefun.enabled (eq .Values.connector "kinesis") (not .Values.module.existingSecret) (not .Values.kinesis.region) }}
{{- fail "connector=kinesis needs kinesis.region, such as eu-central-1" }}
{{- end }}
{{- if and (eq .Values.connector "kinesis") (eq .Values.module.startupPosition "group-offsets") }}
{{- fail "module.startupPosition=group-offsets: Kinesis supports earliest and latest" }}
{{- end }}
{{- if and (not .Values.statefun.enabled) .Values.functions.networkPolicy.enabled (not .Values.functions.networkPolicy.extraFrom) }}
{{- fail "statefun.enabled=false: nobody could call the functions. Name the workers in functions.networkPolicy.extraFrom, or set functions.networkPolicy.enabled=false" }}
{{- end }}
{{- include "statefun.checkLambda" . }}
{{- include "statefun.checkTls" . }}
{{- if hasKey .Values.functions.env "STATEFUN_DRAIN_DELAY" }}
{{- fail "functions.env.STATEFUN_DRAIN_DELAY: set functions.drain.delaySeconds instead, which the termination grace period contains" }}
{{- end }}
{{- if hasKey .Values.functions.env "STATEFUN_DRAIN_TIMEOUT" }}
{{- fail "functions.env.STATEFUN_DRAIN_TIMEOUT: set functions.drain.inFlightSeconds instead, which the termination grace period contains" }}
{{- end }}
{{- if .Values.statefun.enabled }}
{{- include "statefun.checkCluster" .Values.statefun }}
{{- end }}
{{- if gt (int .Values.functions.replicaCount) (int .Values.functions.autoscaling.maxReplicas) }}
{{- if .Values.functions.autoscaling.enabled }}
{{- fail (printf "functions.replicaCount=%d is more than functions.autoscaling.maxReplicas=%d" (int .Values.functions.replicaCount) (int .Values.functions.autoscaling.maxReplicas)) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "statefun.checkTls" -}}
{{- $tls := .Values.tls }}
{{- if $tls.enabled }}
{{- if .Values.statefun.endpoint }}
{{- fail "tls.enabled is for the chart's own functions, and statefun.endpoint for others: set one of them" }}
{{- end }}
{{- if and (not $tls.issuerRef.name) (not $tls.existingSecret) }}
{{- fail "tls.enabled needs tls.existingSecret, or tls.issuerRef.name for cert-manager" }}
{{- end }}
{{- if and $tls.mutual (not $tls.issuerRef.name) (not $tls.existingClientSecret) }}
{{- fail "tls.mutual needs tls.existingClientSecret, or tls.issuerRef.name for cert-manager" }}
{{- end }}
{{- end }}
{{- end }}

{{- /* What `statefun-server module render` refuses for a URL of API Gateway or of a Lambda Function. */}}
{{- define "statefun.checkLambda" -}}
{{- if regexMatch "^https?://[^/]*(\\.execute-api\\.|\\.lambda-url\\.)" .Values.statefun.endpoint }}
{{- $number := regexFind "^[0-9]+" .Values.module.callTimeout | int64 }}
{{- $unit := regexFind "[a-z]+" .Values.module.callTimeout }}
{{- $milliseconds := dict "ms" 1 "s" 1000 "min" 60000 "h" 3600000 }}
{{- if le (mul $number (get $milliseconds $unit)) 30000 }}
{{- fail (printf "module.callTimeout=%s: a response of AWS Lambda may take 30s; expected more than that" .Values.module.callTimeout) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Of the values of the cluster. A job whose maximum parallelism nobody set has Flink's 128, unless it began with more
than 85; docs/upgrading.md says why it cannot change. */}}
{{- define "statefun.checkCluster" -}}
{{- if and .allowNonRestoredState (not .fromSavepoint) }}
{{- fail "statefun.allowNonRestoredState needs statefun.fromSavepoint: a job that goes on from its last checkpoint may not drop states. docs/upgrading.md says how to remove an ingress or an egress" }}
{{- end }}
{{- if and (gt (int .jobManager.replicas) 1) (not .checkpoints.dir) (eq .checkpoints.volume.accessMode "ReadWriteOnce") }}
{{- fail (printf "statefun.jobManager.replicas=%d: with checkpoints on a ReadWriteOnce volume all pods of the cluster are on one node, so standbys would be lost with it. Set statefun.checkpoints.dir=s3://BUCKET/FOLDER or statefun.checkpoints.volume.accessMode=ReadWriteMany, or have one JobManager" (int .jobManager.replicas)) }}
{{- end }}
{{- $parallelism := get .flinkConf "parallelism.default" | default (mul .taskManager.replicas .taskManager.slots) | int }}
{{- $maximum := get .flinkConf "pipeline.max-parallelism" | default 128 | int }}
{{- if gt $parallelism $maximum }}
{{- fail (printf "a parallelism of %d (statefun.taskManager.replicas times slots) is more than the maximum parallelism of the job, %d. Set pipeline.max-parallelism in statefun.flinkConf before the first start, with room to grow: docs/upgrading.md says why a job that has state keeps the maximum that it began with" $parallelism $maximum) }}
{{- end }}
{{- end }}
