{{- /* module.yaml: the documents that `statefun-server module render` writes for the same settings. */}}
{{- define "statefun.module" -}}
{{- $applications := .Files.Get "files/applications.yaml" | fromYaml }}
{{- $chosen := list }}
{{- range .Values.module.applications }}
{{- $chosen = append $chosen (index $applications .) }}
{{- end }}
{{- range $chosen }}
{{- include "statefun.module.endpoint" (list $ .) }}
{{- end }}
{{- range $chosen }}
{{- range .ingresses }}
{{- include (printf "statefun.module.%s.ingress" $.Values.connector) (list $ .) }}
{{- end }}
{{- end }}
{{- range $chosen }}
{{- range .egresses }}
{{- include (printf "statefun.module.%s.egress" $.Values.connector) (list $ .) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "statefun.module.endpoint" -}}
{{- $root := index . 0 }}{{ $application := index . 1 -}}
---
kind: io.statefun.endpoints.v2/http
spec:
  functions: {{ $application.namespace }}/*
  urlPathTemplate: {{ include "statefun.endpoint" $root | quote }}
  {{- with $root.Values.module.maxBatch }}
  maxNumBatchRequests: {{ int . }}
  {{- end }}
  transport:
    type: io.statefun.transports.v1/async
    call: {{ $root.Values.module.callTimeout }}
    connect: 10s
    {{- with $root.Values.module.poolSize }}
    pool_size: {{ int . }}
    {{- end }}
    {{- if $root.Values.tls.enabled }}
    trust_cacerts: /etc/statefun/tls/ca.crt
    {{- if $root.Values.tls.mutual }}
    client_cert: /etc/statefun/tls/tls.crt
    client_key: /etc/statefun/tls/tls.key
    {{- end }}
    {{- end }}
{{ end }}

{{- define "statefun.module.kafka.ingress" -}}
{{- $root := index . 0 }}{{ $ingress := index . 1 -}}
---
kind: io.statefun.kafka.v1/ingress
spec:
  id: {{ $ingress.id }}
  address: {{ include "statefun.kafkaAddress" $root | quote }}
  consumerGroupId: {{ $root.Values.kafka.group | quote }}
  startupPosition:
    type: {{ $root.Values.module.startupPosition }}
  autoOffsetResetPosition: earliest
  topics:
    - topic: {{ $ingress.source }}
      valueType: {{ $ingress.valueType }}
      targets:
        - {{ $ingress.target }}
  {{- include "statefun.module.properties" (list "properties" $root.Values.kafka.properties) | nindent 2 }}
{{ end }}

{{- define "statefun.module.kafka.egress" -}}
{{- $root := index . 0 -}}
---
kind: io.statefun.kafka.v1/egress
spec:
  id: {{ index . 1 }}
  address: {{ include "statefun.kafkaAddress" $root | quote }}
  deliverySemantic:
    type: {{ $root.Values.module.delivery }}
    {{- if eq $root.Values.module.delivery "exactly-once" }}
    transactionTimeout: {{ $root.Values.module.transactionTimeout }}
    {{- end }}
  {{- include "statefun.module.properties" (list "properties" $root.Values.kafka.properties) | nindent 2 }}
{{ end }}

{{- define "statefun.module.kinesis.ingress" -}}
{{- $root := index . 0 }}{{ $ingress := index . 1 -}}
---
kind: io.statefun.kinesis.v1/ingress
spec:
  id: {{ $ingress.id }}
  {{- include "statefun.module.aws" $root | nindent 2 }}
  startupPosition:
    type: {{ $root.Values.module.startupPosition }}
  streams:
    - stream: {{ $ingress.source }}
      valueType: {{ $ingress.valueType }}
      targets:
        - {{ $ingress.target }}
{{ end }}

{{- define "statefun.module.kinesis.egress" -}}
{{- $root := index . 0 -}}
---
kind: io.statefun.kinesis.v1/egress
spec:
  id: {{ index . 1 }}
  {{- include "statefun.module.aws" $root | nindent 2 }}
  {{- include "statefun.module.properties" (list "clientConfigProperties" $root.Values.kinesis.properties) | nindent 2 }}
{{ end }}

{{- define "statefun.module.aws" -}}
awsRegion:
  {{- if .Values.kinesis.endpoint }}
  type: custom-endpoint
  endpoint: {{ .Values.kinesis.endpoint | quote }}
  {{- else }}
  type: specific
  {{- end }}
  id: {{ .Values.kinesis.region }}
awsCredentials:
  type: default
{{- end }}

{{- define "statefun.module.properties" -}}
{{- with index . 1 }}
{{- index $ 0 }}:
{{- range $name, $value := . }}
  - {{ $name }}: {{ include "statefun.text" $value | quote }}
{{- end }}
{{- end }}
{{- end }}
