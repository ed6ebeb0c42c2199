{{- define "runtimegate.selector" -}}
app.kubernetes.io/name: {{ .Values.name }}
app.kubernetes.io/component: server
{{- end }}

{{- define "runtimegate.labels" -}}
app.kubernetes.io/name: {{ .Values.name }}
app.kubernetes.io/part-of: runtimegate
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Values.namespace.create | ternary "kubectl" .Release.Service }}
{{- end }}

{{- define "runtimegate.image" -}}
{{ .Values.image.repository }}{{ with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "runtimegate.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "runtimegate.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "runtimegate.excluded" -}}
{{ toJson (concat (list "kube-system" .Release.Namespace) .Values.webhooks.excludedNamespaces | uniq) }}
{{- end }}

{{- /* The pod that runs `runtimegate certs …`; takes the root context and the arguments. */ -}}
{{- define "runtimegate.certsPod" -}}
metadata:
  labels:
    {{- include "runtimegate.labels" .root | nindent 4 }}
    app.kubernetes.io/component: certs
spec:
  serviceAccountName: {{ .root.Values.name }}-certs
  automountServiceAccountToken: true
  restartPolicy: OnFailure
  {{- with .root.Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .root.Values.image.pullSecrets }}
  imagePullSecrets: {{ toJson . }}
  {{- end }}
  {{- with .root.Values.nodeSelector }}
  nodeSelector: {{ toJson . }}
  {{- end }}
  {{- with .root.Values.tolerations }}
  tolerations: {{ toJson . }}
  {{- end }}
  securityContext:
    {{- include "runtimegate.podSecurity" .root | nindent 4 }}
  containers:
    - name: certs
      image: {{ include "runtimegate.image" .root }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args:
        - certs
        - {{ .command }}
        - --secret={{ .root.Release.Namespace }}/{{ .root.Values.certificates.secretName }}
        - --ca-secret={{ .root.Release.Namespace }}/{{ .root.Values.certificates.caSecretName }}
        - --service={{ .root.Values.name }}
        - --namespace={{ .root.Release.Namespace }}
        {{- if .webhooks }}
        - --webhook-config={{ .root.Values.name }}
        {{- end }}
        {{- if eq .command "renew" }}
        - --allow-unregistered
        {{- end }}
      securityContext:
        {{- include "runtimegate.containerSecurity" .root | nindent 8 }}
      resources:
        requests: {cpu: 10m, memory: 64Mi, ephemeral-storage: 1Mi}
        limits: {memory: 128Mi, ephemeral-storage: 16Mi}
      volumeMounts:
        - {name: tmp, mountPath: /tmp}
  volumes:
    - name: tmp
      emptyDir: {medium: Memory, sizeLimit: 16Mi}
{{- end }}

{{- /* A Job with that pod. Its name holds a hash: a Job cannot change, another one takes its place. */ -}}
{{- define "runtimegate.certsJob" -}}
{{- $pod := include "runtimegate.certsPod" . }}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .root.Values.name }}-{{ .name }}-{{ sha256sum $pod | trunc 8 }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "runtimegate.labels" .root | nindent 4 }}
spec:
  # Gone, it is made again by the next apply, and finds its work done or does it.
  ttlSecondsAfterFinished: 60
  activeDeadlineSeconds: 600
  backoffLimit: 10
  template:
    {{- $pod | nindent 4 }}
{{- end }}
