# What deploy, destroy and polling share: words for people, tools, credentials, names and stacks.
# Sourced, never run. Nothing here prints a value of the environment other than the stage's name.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=$(basename "$0")
functions=(fanout tick aggregator)

say() { printf '%s: %s\n' "$program" "$*" >&2; }
# what the user did wrong
usage() { say "$@"; exit 2; }
# what went wrong
die() { say "$@"; exit 1; }

# The tools that scripts/tools.sh ministack installs serve where the system has none.
tools() {
    PATH="$PATH:$root/.tools/aws/bin"
    command -v aws >/dev/null ||
        die "the AWS CLI is missing: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
    export PATH AWS_PAGER=
}

check_stage() {
    [ -n "${STAGE:-}" ] || usage "which stage? say --stage NAME, or STAGE=NAME"
    [[ $STAGE =~ ^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$ ]] ||
        usage "'$STAGE' is no name for a stage: take 1-20 of a-z, 0-9 and -, a letter first and no - last"
    base=cicada-$STAGE-base
    upper=cicada-$STAGE-functions
}

# Says who deploys where; sets `account` and `region`.
sign_in() {
    local answer
    region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region 2>/dev/null || true)}}
    [ -n "$region" ] || usage "which region? say --region NAME, set AWS_REGION, or run: aws configure"
    # the CLI's version 1 reads one, everybody else the other
    export AWS_REGION=$region AWS_DEFAULT_REGION=$region
    answer=$(aws sts get-caller-identity --query Account --output text 2>&1) ||
        die "AWS does not know you ($(brief "$answer")): run 'aws configure' or 'aws sso login', or set AWS_PROFILE"
    account=$answer
}

# The last line of an answer, without what the AWS CLI says before it.
brief() {
    printf '%s\n' "$1" | grep -v '^[[:space:]]*$' | tail -n 1 |
        sed -e 's/^An error occurred (\([A-Za-z]*\)) when calling the \([A-Za-z]*\) operation[^:]*: /\1: /' -e 's/\.$//'
}

# The status of a stack; nothing when there is none.
status() {
    local answer
    if answer=$(aws cloudformation describe-stacks --stack-name "$1" --query 'Stacks[0].StackStatus' --output text 2>&1); then
        printf '%s\n' "$answer"
    else
        case $answer in *"does not exist"*) ;; *) die "the stack $1 cannot be read: $(brief "$answer")" ;; esac
    fi
}

# The outputs of a stack: lines of name, tab, value.
outputs() {
    local answer
    answer=$(aws cloudformation describe-stacks --stack-name "$1" --output text \
        --query 'Stacks[0].Outputs[].[OutputKey, OutputValue]' 2>&1) ||
        die "the stack $1 cannot be read: $(brief "$answer")"
    printf '%s\n' "$answer"
}

# What went wrong first the last time that a stack was made, changed or deleted, in one line; events come
# newest first.
reason() {
    aws cloudformation describe-stack-events --stack-name "$1" --output text \
        --query 'StackEvents[].[LogicalResourceId, ResourceStatus, ResourceStatusReason]' 2>/dev/null |
        awk -F '\t' -v stack="$1" '
            $1 == stack && $2 ~ /^(CREATE|UPDATE|DELETE)_IN_PROGRESS$/ { exit }
            $1 != stack && $2 ~ /_FAILED$/ && $3 !~ / cancelled/ { first = $1 ": " $3 }
            END { print first }' || true
}

# remove STACK: deletes a stack and waits until it is gone.
remove() {
    local answer why state
    state=$(status "$1")
    [ -n "$state" ] || return 0
    say "deleting the stack $1"
    answer=$(aws cloudformation delete-stack --stack-name "$1" 2>&1) ||
        die "the stack $1 cannot be deleted: $(brief "$answer")"
    answer=$(aws cloudformation wait stack-delete-complete --stack-name "$1" 2>&1) || {
        why=$(reason "$1")
        die "the stack $1 is not gone (${why:-$(brief "$answer")}): call this again"
    }
}

# The identifier of the mapping that hands wake-ups to the tick; nothing when there is none.
mapping() {
    local answer
    answer=$(aws lambda list-event-source-mappings --function-name "cicada-$STAGE-tick" --output text \
        --query 'EventSourceMappings[0].[UUID, State]' 2>&1) ||
        case $answer in *ResourceNotFoundException*) answer=None ;; *) die "$(brief "$answer")" ;; esac
    case $answer in None*) ;; *) printf '%s\n' "$answer" ;; esac
}
