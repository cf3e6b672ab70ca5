#!/usr/bin/env bash
# Post a value to a KPI, from cron or by hand; the usage below says how.
set -euo pipefail
export LC_ALL=C

usage() {
  cat <<'USAGE'
push.sh KPI VALUE [AT]   post VALUE to the KPI with the key or id KPI

With AT, a date (2026-03-31) or an instant (2026-03-31T09:30:00Z), the value is put there: it
replaces what was put there before, so the line may be repeated. Without AT the value is of now,
and each run adds one, under an Idempotency-Key that stays the same over the retries of the run.

  REGIMEN_WORKSPACE         the workspace's slug or id; needed
  REGIMEN_TOKEN             an API token with the scope points:write; or
  REGIMEN_TOKEN_FILE        a file that holds it. One of the two is needed
  REGIMEN_URL               the server (http://127.0.0.1:8080)
  REGIMEN_IDEMPOTENCY_KEY   a key of your own, so that a second run within 24 hours adds nothing:
                            "signups-$(date +%F)" adds one value a day, however often cron runs
  REGIMEN_RETRIES           how often it is tried again (5)
  REGIMEN_BACKOFF           seconds before the first retry, doubled before each further one (1)

It says nothing when the value is stored, else one line on standard error.

  0  the value is stored
  1  the server refused it: trying again would not help
  2  the arguments or settings are wrong: nothing was sent
  3  the server could not be reached, or had no time, in any of the tries

In a crontab, where REGIMEN_WORKSPACE and REGIMEN_TOKEN_FILE are set above it (cron wants \%):

  15 6 * * *  /opt/regimen/push.sh churn-rate "$(/opt/reports/churn)" "$(date -u +\%F)"
USAGE
}

readonly REFUSED=1 WRONG=2 UNREACHED=3

# The longest that a server may ask to wait for, in seconds.
readonly longest=300

# fail STATUS WORDS…: one line, and the end.
fail() {
  local status=$1
  shift
  printf 'push.sh: %s\n' "$*" >&2
  exit "$status"
}

# matches TEXT EXPRESSION
matches() {
  [[ $1 =~ $2 ]]
}

case ${1:-} in
  -h | --help)
    usage
    exit
    ;;
esac
if (($# < 2 || $# > 3)); then
  usage >&2
  exit "$WRONG"
fi
readonly kpi=$1 value=$2 at=${3:-}

command -v curl >/dev/null || fail $WRONG "curl is missing"
url=${REGIMEN_URL:-http://127.0.0.1:8080}
workspace=${REGIMEN_WORKSPACE:-}
token=${REGIMEN_TOKEN:-}
if [[ -z $token && -n ${REGIMEN_TOKEN_FILE:-} ]]; then
  token=$(tr -d '[:space:]' 2>/dev/null <"$REGIMEN_TOKEN_FILE") || fail $WRONG "REGIMEN_TOKEN_FILE: $REGIMEN_TOKEN_FILE cannot be read"
fi
retries=${REGIMEN_RETRIES:-5}
backoff=${REGIMEN_BACKOFF:-1}

# Nothing that could end a path or leave its quotes goes further than here.
[[ -n $workspace ]] || fail $WRONG "REGIMEN_WORKSPACE is not set"
[[ -n $token ]] || fail $WRONG "neither REGIMEN_TOKEN nor REGIMEN_TOKEN_FILE holds a token"
matches "$token" '^[A-Za-z0-9._~+/=-]+$' || fail $WRONG "the token has characters that no token has"
matches "$workspace" '^[A-Za-z0-9_-]+$' || fail $WRONG "REGIMEN_WORKSPACE: $workspace is no slug and no id"
matches "$kpi" '^[A-Za-z0-9_-]+$' || fail $WRONG "$kpi is no key and no id of a KPI"
matches "$value" '^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$' || fail $WRONG "$value is no number"
[[ -z $at ]] || matches "$at" '^[0-9][0-9TtZz:.+-]*$' || fail $WRONG "$at is no date and no instant"
matches "$retries" '^(0|[1-9][0-9]{0,3})$' || fail $WRONG "REGIMEN_RETRIES: $retries is no count"
matches "$backoff" '^(0|[1-9][0-9]{0,3})$' || fail $WRONG "REGIMEN_BACKOFF: $backoff is no number of seconds"

points=${url%/}/v1/workspaces/$workspace/kpis/$kpi/points
request=(--request PUT "$points/$at")
if [[ -z $at ]]; then
  key=${REGIMEN_IDEMPOTENCY_KEY:-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')}
  matches "$key" '^[!-~]{1,255}$' || fail $WRONG "REGIMEN_IDEMPOTENCY_KEY takes 1 to 255 visible ASCII characters"
  request=(--request POST --header "Idempotency-Key: $key" "$points")
fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/regimen-push.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# Send it once; print the status, 000 where no answer came. The token goes to curl by standard
# input, so that no list of processes shows it.
send() {
  : >"$scratch/headers"
  : >"$scratch/answer"
  printf 'header = "Authorization: Bearer %s"\n' "$token" |
    curl --disable --config - --silent --show-error --connect-timeout 10 --max-time 60 \
      --header 'Content-Type: application/json' --header 'Accept: application/json' \
      --data "{\"value\":$value}" --dump-header "$scratch/headers" --output "$scratch/answer" \
      --write-out '%{http_code}' "${request[@]}" 2>"$scratch/trouble" || true
}

# Seconds that the server asked to wait for, if it did.
retry_after() {
  tr -d '\r' <"$scratch/headers" | awk 'tolower($1) == "retry-after:" && $2 ~ /^[0-9]+$/ { print $2 + 0; exit }'
}

# The problem as one line: title, detail, and each error with what it points at. The answer is
# JSON without line breaks; every string in it is a key, if a colon follows, or the last key's value.
problem() {
  awk '
    {
      while (match($0, /"([^"\\]|\\.)*"/)) {
        text = substr($0, RSTART + 1, RLENGTH - 2)
        $0 = substr($0, RSTART + RLENGTH)
        if (sub(/^[ \t]*:/, "")) { key = text; continue }
        gsub(/\\n|\\t/, " ", text); gsub(/\\"/, "\"", text); gsub(/\\\\/, "\\", text)
        if (key == "title") title = text
        if (key == "pointer") pointer = text
        if (key == "detail") {
          if (pointer == "" && detail == "") detail = ": " text
          else { errors = errors "; " (pointer == "" ? "" : pointer ": ") text; pointer = "" }
        }
        key = ""
      }
    }
    END { print title detail errors }
  ' "$scratch/answer"
}

for ((try = 0; ; try++)); do
  status=$(send)
  case $status in
    200 | 201) exit 0 ;;
    000 | '') trouble="$url could not be reached: $(tr '\n' ' ' <"$scratch/trouble")" ;;
    408 | 429 | 502 | 503 | 504) trouble="$url had no time ($status): $(problem)" ;;
    *)
      # A first try of the same key that is still running says when to come again.
      [[ $status == 409 && -n $(retry_after) ]] || fail $REFUSED "refused ($status): $(problem)"
      trouble="$url had no time ($status): $(problem)"
      ;;
  esac
  ((try < retries)) || fail $UNREACHED "$trouble"
  pause=$((backoff << (try < 6 ? try : 6)))
  asked=$(retry_after)
  ((${asked:-0} <= longest)) || fail $UNREACHED "$trouble; it asks to come again in $asked seconds"
  ((${asked:-0} <= pause)) || pause=$asked
  sleep "$pause"
done
