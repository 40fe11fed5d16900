{{/* SPDX-License-Identifier: MIT */}}
{{- define "phpsrv.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The release's name, with the chart's unless it is in it already. */}}
{{- define "phpsrv.fullname" -}}
{{- $name := include "phpsrv.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "phpsrv.selector" -}}
app.kubernetes.io/name: {{ include "phpsrv.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "phpsrv.labels" -}}
{{ include "phpsrv.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "phpsrv.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "phpsrv.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "phpsrv.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end -}}

{{/* One value in TOML. JSON's texts, numbers, truth values and lists of these are TOML as well. */}}
{{- define "phpsrv.toml" -}}
# SPDX-License-Identifier: MIT
# Made by the chart from its value "config".
[listen]
address = "0.0.0.0:{{ .Values.ports.http }}"

[internal]
listen = "0.0.0.0:{{ .Values.ports.internal }}"
{{- range $section, $options := .Values.config }}

[{{ $section }}]
{{- range $name, $value := $options }}
{{- if kindIs "float64" $value }}
{{ $name }} = {{ int64 $value }}
{{- else }}
{{ $name }} = {{ mustToRawJson $value }}
{{- end }}
{{- end }}
{{- end }}
{{ end -}}
