{{/* What every pod of ours is not allowed to do. The uid is the image's. */}}
{{- define "tallygate.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "tallygate.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* The pod of a role that stays. */}}
{{- define "tallygate.rolePod" -}}
{{- $own := get .root.Values .role -}}
metadata:
  labels:
    {{- include "tallygate.selector" . | nindent 4 }}
    {{- with $own.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $own.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- include "tallygate.podSecurity" .root | nindent 2 }}
  serviceAccountName: {{ include "tallygate.serviceAccountName" .root }}
  terminationGracePeriodSeconds: {{ include "tallygate.graceSeconds" .root }}
  {{- with $own.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $own.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $own.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    {{- if $own.topologySpreadConstraints }}
    {{- toYaml $own.topologySpreadConstraints | nindent 4 }}
    {{- else }}
    {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      matchLabelKeys: [pod-template-hash]
      labelSelector:
        matchLabels:
          {{- include "tallygate.selector" $ | nindent 10 }}
    {{- end }}
    {{- end }}
  containers:
    - name: {{ .role }}
      image: {{ include "tallygate.image" .root }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args: [{{ .role }}]
      env:
        {{- include "tallygate.env" . | trim | nindent 8 }}
      ports:
        - name: http
          containerPort: 4000
      # Liveness is the event loop alone, and readiness this pod's own state: a backend that is away must not restart anything.
      startupProbe:
        httpGet: { path: /healthz, port: http }
        periodSeconds: 2
        timeoutSeconds: 2
        failureThreshold: 30
      livenessProbe:
        httpGet: { path: /healthz, port: http }
        periodSeconds: 10
        timeoutSeconds: 3
        failureThreshold: 3
      readinessProbe:
        httpGet: { path: /readyz, port: http }
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 2
      {{- if and (eq .role "gateway") .root.Values.stop.preStopSeconds }}
      lifecycle:
        preStop:
          sleep:
            seconds: {{ .root.Values.stop.preStopSeconds }}
      {{- end }}
      securityContext:
        {{- include "tallygate.containerSecurity" . | nindent 8 }}
      resources:
        {{- toYaml $own.resources | nindent 8 }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        {{- if and (eq .role "gateway") .root.Values.gateway.entitiesConfigMap }}
        - name: entities
          mountPath: /etc/tallygate
          readOnly: true
        {{- end }}
  volumes:
    {{- if and (eq .role "gateway") .root.Values.gateway.entitiesConfigMap }}
    - name: entities
      configMap:
        name: {{ .root.Values.gateway.entitiesConfigMap }}
    {{- end }}
    - name: tmp
      emptyDir:
        medium: Memory
        sizeLimit: 64Mi
{{- end }}
