# SPDX-License-Identifier: Apache-2.0
# bash completion for cpb. `tests/cli` holds the lists below against the help texts.

_cpb_values() {
    case $1 in
    --combine) echo layers sum ;;
    --sizes) echo equal uneven ;;
    --kernel) echo flex varlen recurrent ;;
    --transport) echo exchange allgather ring ;;
    --cost) echo pairs tiles profile ;;
    --overlap) echo none two-stage ideal ;;
    --effort) echo fast default high ;;
    --dtype) echo int64 int32 ;;
    --balancer | --compare) cpb plan --help | sed -n '/^Balancers:/,/^$/s/^  \([a-z-]*\) .*/\1/p' ;;
    --mask) cpb plan --help | sed -n '/^Mask families:/,/^$/s/^  \([a-z-]*\) .*/\1/p' ;;
    --sample) echo builtin ;;
    --meet) echo step micro pipe: ;;
    --groups) echo powers any ;;
    --row) cpb schedule --help | sed -n '/^Rows:/,/^$/s/^  \([a-z-]*\) .*/\1/p' ;;
    esac
}

_cpb() {
    local -A flags=(
        [plan]='--documents --mask --combine --ranks --nodes --speeds --balancer --chunk --tolerance --sizes --cap --kernel --transport --cost --profile --model --overlap --backward --peers --effort --strict --order --inverse --dtype --plan --json --version --help'
        [score]='--documents --mask --ranks --nodes --speeds --chunk --tolerance --sizes --cap --kernel --transport --cost --profile --model --overlap --backward --peers --strict --order --plan --json --version --help'
        [check]='--documents --mask --ranks --nodes --speeds --chunk --tolerance --sizes --cap --kernel --transport --cost --profile --model --overlap --backward --order --inverse --plan --schedule --version --help'
        [compare]='--documents --mask --combine --ranks --nodes --speeds --chunk --tolerance --sizes --cap --kernel --transport --cost --profile --model --overlap --backward --peers --effort --packs --sample --tokens --count --seed --curve --json --csv --version --help'
        [calibrate]='--output --json --version --help'
        [sweep]='--documents --mask --combine --ranks --nodes --speeds --balancer --chunk --tolerance --sizes --cap --kernel --transport --cost --profile --model --overlap --backward --peers --effort --packs --sample --tokens --count --seed --memory --threads --budget --row --meet --groups --one-size --groups-only --batches --batches-least --batches-multiple --multiple --fixed --window --token-bytes --hold --output --json --csv --version --help'
        [report]='--output --version --help'
        [schedule]='--documents --ranks --nodes --profile --model --overlap --backward --budget --row --meet --groups --one-size --groups-only --batches --batches-least --batches-multiple --multiple --fixed --window --token-bytes --hold --runs --compare --json --output --version --help'
        [pad]='--documents --ranks --multiple --json --version --help'
        [attend]='--documents --mask --ranks --nodes --balancer --chunk --tolerance --sizes --cap --kernel --cost --profile --model --overlap --backward --effort --seed --compare --timeline --timings --json --version --help'
        [draw]='--documents --mask --combine --ranks --nodes --speeds --balancer --chunk --tolerance --sizes --cap --kernel --transport --cost --profile --model --overlap --backward --effort --order --plan --schedule --output --version --help'
    )
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "${!flags[*]} help --help --version" -- "$word")
    elif [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "${flags[${COMP_WORDS[1]}]-}" -- "$word")
    elif [[ $previous == --* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_cpb_values "$previous")" -- "$word")
    fi
}

complete -o bashdefault -o default -F _cpb cpb
