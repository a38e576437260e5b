{{/*
The environment of a role. Settings are plain values, the role's own ones win; secrets are references, and only to what
the role uses: the sink and the migration have no business with clients' credentials or with the cache.
*/}}
{{- define "tallygate.env" -}}
{{- $values := .root.Values -}}
{{- $own := dict -}}
{{- if hasKey $values .role -}}{{- $own = (get $values .role).settings | default dict -}}{{- end -}}
{{- $settings := mergeOverwrite (dict) ($values.settings | default dict) $own -}}
{{- $_ := required "settings.KAFKA_BROKERS: expected host:port, comma-separated; in a cluster there is no embedded log" $settings.KAFKA_BROKERS -}}
{{- $_ := required "settings.CLICKHOUSE_URL: expected http:// or https://; in a cluster there is no embedded warehouse" $settings.CLICKHOUSE_URL -}}
{{- $secret := required "existingSecret.name: expected a Secret with WRITE_KEYS and READ_TOKENS; the chart makes none" $values.existingSecret.name -}}
{{- $settings = mergeOverwrite (dict) $settings (dict
      "HOST" "0.0.0.0"
      "PORT" "4000"
      "MIGRATE_AT_START" (not $values.migrate.enabled)
      "DRAIN_DELAY_MS" $values.stop.drainDelayMs
      "SHUTDOWN_SECONDS" $values.stop.shutdownSeconds) -}}
{{- range $name, $value := $settings }}
- name: {{ $name }}
  value: {{ include "tallygate.scalar" $value | quote }}
{{- end }}
{{- $pattern := ternary "." "^(KAFKA|CLICKHOUSE)_" (eq .role "gateway") }}
{{- range $optional, $names := dict "false" $values.existingSecret.required "true" $values.existingSecret.optional }}
{{- range $names }}
{{- if and (regexMatch $pattern .) (not (hasKey $settings .)) }}
- name: {{ . }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret }}
      key: {{ . }}
      optional: {{ $optional }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Helm reads numbers as floats: 50000 must not become 5e+04. */}}
{{- define "tallygate.scalar" -}}
{{- if kindIs "float64" . -}}
{{- if eq . (floor .) -}}{{- int64 . -}}{{- else -}}{{- . -}}{{- end -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end }}

{{- define "tallygate.graceSeconds" -}}
{{- $stop := .Values.stop -}}
{{- add $stop.preStopSeconds (div (add $stop.drainDelayMs 999) 1000) $stop.shutdownSeconds $stop.marginSeconds -}}
{{- end }}
