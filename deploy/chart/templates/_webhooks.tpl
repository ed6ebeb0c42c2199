{{- /* What all entries share; takes the root context and the path. */ -}}
{{- define "runtimegate.entry" -}}
clientConfig:
  service: {name: {{ .root.Values.name }}, namespace: {{ .root.Release.Namespace }}, path: {{ .path }}, port: 443}
  {{- if eq .root.Values.certificates.mode "secret" }}
  caBundle: {{ .root.Values.certificates.caBundle }}
  {{- end }}
matchPolicy: Equivalent
sideEffects: None
admissionReviewVersions: [v1]
timeoutSeconds: {{ .root.Values.webhooks.timeoutSeconds }}
namespaceSelector:
  matchExpressions:
    - {key: kubernetes.io/metadata.name, operator: NotIn, values: {{ include "runtimegate.excluded" .root }}}
{{- end }}

{{- define "runtimegate.configuration" -}}
metadata:
  name: {{ .Values.name }}
  labels:
    {{- include "runtimegate.labels" . | nindent 4 }}
  {{- $annotations := deepCopy .Values.webhooks.annotations }}
  {{- if eq .Values.certificates.mode "cert-manager" }}
  {{- $_ := set $annotations "cert-manager.io/inject-ca-from" (printf "%s/%s" .Release.Namespace .Values.name) }}
  {{- end }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- /* As the server itself says: a pod that the node mirrors is the node's own. */ -}}
{{- define "runtimegate.noMirrorPod" -}}
- name: not-a-mirror-pod-of-its-node
  expression: >-
    request.operation != 'CREATE'
    || !('kubernetes.io/config.mirror' in object.metadata.?annotations.orValue({}))
    || !('system:nodes' in request.userInfo.?groups.orValue([]))
    || request.userInfo.username != 'system:node:' + object.spec.?nodeName.orValue('')
{{- end }}
