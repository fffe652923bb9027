{{- /* What becomes flink-conf.yaml. The WebUI cancels no job: Flink would forget its checkpoints, and Kubernetes would
start it anew at once. Where one checkpoint fails, such as when S3 is slow for a moment, the job goes on and the next one
is tried; Flink's own default is to restart the job at the first. */}}
{{- define "statefun.flinkConf" -}}
{{- $checkpoints := include "statefun.checkpoints" . }}
{{- $statefun := .Values.statefun }}
{{- $conf := dict
  "jobmanager.rpc.port" 6123
  "blob.server.port" 6124
  "taskmanager.rpc.port" 6122
  "rest.port" 8081
  "web.submit.enable" false
  "web.cancel.enable" false
  "jobmanager.memory.process.size" (printf "%dm" (int $statefun.jobManager.memory))
  "taskmanager.memory.process.size" (printf "%dm" (int $statefun.taskManager.memory))
  "taskmanager.numberOfTaskSlots" (int $statefun.taskManager.slots)
  "parallelism.default" (mul $statefun.taskManager.replicas $statefun.taskManager.slots)
  "classloader.parent-first-patterns.additional" "org.apache.flink.statefun;org.apache.kafka;com.google.protobuf"
  "pipeline.auto-generate-uids" false
  "statefun.flink-job-name" (include "statefun.fullname" .)
  "execution.checkpointing.mode" "EXACTLY_ONCE"
  "execution.checkpointing.interval" $statefun.checkpoints.interval
  "execution.checkpointing.tolerable-failed-checkpoints" 3
  "execution.checkpointing.externalized-checkpoint-retention" "RETAIN_ON_CANCELLATION"
  "restart-strategy" "exponential-delay"
  "state.backend" "rocksdb"
  "state.backend.incremental" true
  "state.backend.rocksdb.timer-service.factory" "ROCKSDB"
  "state.checkpoints.dir" (printf "%s/checkpoints" $checkpoints)
  "state.savepoints.dir" (printf "%s/savepoints" $checkpoints)
  "high-availability" "org.apache.flink.kubernetes.highavailability.KubernetesHaServicesFactory"
  "high-availability.storageDir" (printf "%s/high-availability" $checkpoints)
  "kubernetes.cluster-id" (include "statefun.fullname" .)
  "kubernetes.namespace" .Release.Namespace
}}
{{- range $name, $value := mergeOverwrite $conf $statefun.flinkConf }}
{{ $name }}: {{ include "statefun.text" $value }}
{{- end }}
{{- end }}

{{- /* What changes both kinds of pods of the cluster when it changes. */}}
{{- define "statefun.checksums" -}}
checksum/flink-conf: {{ include "statefun.flinkConf" . | sha256sum }}
checksum/module: {{ (.Values.module.existingSecret | default (include "statefun.module" .)) | sha256sum }}
{{- end }}

{{- /* What the pods of the JobManager and of the TaskManagers have in common: (list . "component"). */}}
{{- define "statefun.flinkPod" -}}
{{- $root := index . 0 }}{{ $component := index . 1 -}}
{{- $checkpoints := $root.Values.statefun.checkpoints }}
{{- include "statefun.pullSecrets" $root }}
serviceAccountName: {{ include "statefun.fullname" $root }}-cluster
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 9999
  runAsGroup: 9999
  fsGroup: 9999
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- include "statefun.placement" $root.Values.statefun | nindent 0 }}
{{- if and (not $checkpoints.dir) (eq $checkpoints.volume.accessMode "ReadWriteOnce") }}
affinity:
  podAffinity:
    # The volume is on one node.
    requiredDuringSchedulingIgnoredDuringExecution:
      - topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
          matchExpressions:
            - key: app.kubernetes.io/component
              operator: In
              values: [jobmanager, taskmanager]
{{- else }}
{{ include "statefun.spread" . }}
{{- end }}
volumes:
  - name: flink-conf
    configMap:
      name: {{ include "statefun.fullname" $root }}-flink
  - name: module
    {{- if and (include "statefun.ownFunctions" $root) (not $root.Values.module.existingSecret) }}
    configMap:
      name: {{ include "statefun.moduleName" $root }}
    {{- else }}
    secret:
      secretName: {{ include "statefun.moduleName" $root }}
    {{- end }}
  {{- if and $root.Values.tls.enabled (eq $component "taskmanager") }}
  - name: tls
    projected:
      sources:
        # The authority of the functions, and the certificate of the workers.
        - secret:
            name: {{ include "statefun.tlsSecret" $root }}
            items: [{key: ca.crt, path: ca.crt}]
        {{- if $root.Values.tls.mutual }}
        - secret:
            name: {{ include "statefun.tlsClientSecret" $root }}
            items: [{key: tls.crt, path: tls.crt}, {key: tls.key, path: tls.key}]
        {{- end }}
  {{- end }}
  # States that are worked on, and the program that writes to Kinesis.
  - name: tmp
    emptyDir: {}
  {{- if not $checkpoints.dir }}
  - name: checkpoints
    persistentVolumeClaim:
      claimName: {{ include "statefun.fullname" $root }}-checkpoints
  {{- end }}
{{- end }}

{{- /* Environment variables that both kinds of pods have. The limit of their memory is what Flink plans with, and glibc
does not give back what many threads free, each to an arena of its own: with RocksDB the pod may be ended for its
memory. Flink's own image loads jemalloc for that, in a script that StateFun's image does not run. */}}
{{- define "statefun.flinkEnv" -}}
{{- $named := dict }}
{{- range .Values.statefun.env }}{{ $_ := set $named .name true }}{{ end }}
{{- if not (hasKey $named "MALLOC_ARENA_MAX") }}
- name: MALLOC_ARENA_MAX
  value: "1"
{{- end }}
{{- with .Values.statefun.env }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* (list . "component") */}}
{{- define "statefun.flinkMounts" -}}
{{- $root := index . 0 }}{{ $component := index . 1 -}}
volumeMounts:
  # Files, not folders: what the image has beside them stays.
  - name: flink-conf
    mountPath: /opt/flink/conf/flink-conf.yaml
    subPath: flink-conf.yaml
  - name: module
    mountPath: /opt/statefun/modules/functions/module.yaml
    subPath: module.yaml
  - name: tmp
    mountPath: /tmp
  {{- if and $root.Values.tls.enabled (eq $component "taskmanager") }}
  - name: tls
    mountPath: /etc/statefun/tls
    readOnly: true
  {{- end }}
  {{- if not $root.Values.statefun.checkpoints.dir }}
  - name: checkpoints
    mountPath: /checkpoints
  {{- end }}
securityContext:
  {{- include "statefun.containerSecurity" $root | nindent 2 }}
{{- end }}
