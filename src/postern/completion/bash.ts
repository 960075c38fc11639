import type { Kind } from '../../cli/option.ts'
import { ASKED_KINDS } from './arguments.ts'
import { sourceFlags } from './place.ts'
import type { Place } from './place.ts'
import { PROGRAMS, quoted } from './programs.ts'

/**
 * Returns the completion for bash(1), 4.2 or later; it needs nothing of bash-completion. What is typed is taken apart
 * character by character and never evaluated, and names are quoted as the quotes that are open at the cursor need it.
 */
export function bashScript(places: readonly Place[]): string {
  return `# Completion of ${PROGRAMS.join(', ')} for bash, made by \`postern completion bash\`.

# Sets what can follow a place: words that lead on, flags, the flags that take a value with its kind, operands' kinds, and
# the flags that say where names come from.
_postern_place() {
  follow= flags= takes= operands= tells=
  case $place in
${places.map(rowOf).join('\n')}
  esac
}
${ENGINE}
complete -F _postern ${PROGRAMS.join(' ')}
`
}

function rowOf(place: Place): string {
  const { name, words, options, operands } = place
  const lists = {
    follow: words.map(({ word }) => word),
    flags: options.flatMap(({ flags }) => flags),
    takes: options.flatMap(({ flags, value, kind }) =>
      value === undefined ? [] : flags.map((flag) => `${flag}=${tokenOf(kind)}`),
    ),
    operands: operands.map(tokenOf),
    tells: sourceFlags(place),
  }
  const set = Object.entries(lists).filter(([, list]) => list.length > 0)
  return [
    `    ${quoted(name)})`,
    ...set.map(([variable, list]) => `      ${variable}=${quoted(list.join(' '))}`),
    '      ;;',
  ].join('\n')
}

/** A kind as one word: fixed words have a comma before each. */
function tokenOf(kind: Kind | undefined): string {
  return typeof kind === 'object' ? kind.map((word) => `,${word}`).join('') : (kind ?? '')
}

// `@{` stands for the shell's `${`, which begins an expression of TypeScript.
const ENGINE = String.raw`
# Sets 'words' to the words before the one at the cursor as the shell would read them, without expanding anything, and
# 'word' to that one. 'quote' is the quote that is open in it, and 'cut' how many of its characters readline leaves alone.
_postern_split() {
  local line=@{COMP_LINE:0:COMP_POINT} tick=$'\x60' char next before=0 begun= i
  words=() word= quote= cut=0
  for ((i = 0; i < @{#line}; i++)); do
    char=@{line:i:1}
    case $quote$char in
      "''" | '""') quote= cut=$before ;;
      "'"?) word+=$char ;;
      \\ | '"\')
        ((i += 1))
        next=@{line:i:1}
        [[ $quote && $next != [\$\"\\$tick] ]] && word+=\\
        word+=$next begun=1
        ;;
      '"'?) word+=$char ;;
      [\'\"]) quote=$char before=$cut cut=@{#word} begun=1 ;;
      [[:space:]])
        [[ $begun ]] && words+=("$word")
        word= begun= cut=0
        ;;
      *)
        word+=$char begun=1
        # Readline begins to replace behind these characters, but at an @.
        [[ $COMP_WORDBREAKS == *"$char"* ]] && cut=@{#word}
        [[ $char == @ && $cut == "@{#word}" ]] && ((cut -= 1))
        ;;
    esac
  done
}

# Sets 'kind' to the kind of a flag's value. Fails if it takes none.
_postern_kind() {
  local each
  for each in $takes; do
    [[ @{each%%=*} == "$1" ]] || continue
    kind=@{each#*=}
    return 0
  done
  return 1
}

# Keeps an option that says where names come from.
_postern_keep() {
  [[ " $tells " == *" $1 "* ]] || return 0
  shift
  given+=("@{@/#\~\//"$HOME"/}")
}

# Offers those of the texts that begin with the word at the cursor.
_postern_offer() {
  local each rest slash='\' tick=$'\x60'
  for each; do
    [[ $each == "$word"* ]] || continue
    rest=@{each:cut}
    case $quote in
      "'") rest=@{rest//"'"/"'$slash''"} ;;
      '"')
        rest=@{rest//"$slash"/"$slash$slash"}
        rest=@{rest//'"'/"$slash\""}
        rest=@{rest//'$'/"$slash\$"}
        rest=@{rest//"$tick"/"$slash$tick"}
        # Within double quotes nothing takes its meaning from this character, but for the history.
        rest=@{rest//'!'/"\"$slash!\""}
        ;;
      *) [[ $rest ]] && printf -v rest %q "$rest" ;;
    esac
    COMPREPLY+=("$rest")
  done
}

# Offers what is of a kind, behind a text that the word begins with.
_postern_offer_kind() {
  local found=()
  case $1 in
    ,*) found=(@{1//,/ }) ;;
    config | file) compopt -o default ;;
    folder) compopt -o dirnames ;;
    host) mapfile -t found < <(compgen -A hostname) ;;
    ${ASKED_KINDS.join(' | ')})
      mapfile -t found < <(command postern completion --values "$1" "@{given[@]}" 2>/dev/null </dev/null)
      ;;
  esac
  _postern_offer "@{found[@]/#/$2}"
}

_postern() {
  local IFS=$' \t\n' words word quote cut place follow flags takes operands tells
  local given=() kind= each at=0 ended= pending= i
  COMPREPLY=()
  _postern_split
  place=@{words[0]##*/}
  [[ $place == knock && " @{words[*]:1} " == *' --spa '* ]] && place+=' --spa'
  _postern_place
  for ((i = 1; i < @{#words[@]}; i++)); do
    each=@{words[i]}
    if [[ $ended || $each != -?* ]]; then
      if [[ $at == 0 && $each && " $follow " == *" $each "* ]]; then
        place+=" $each"
        _postern_place
      else
        ((at += 1))
      fi
    elif [[ $each == -- ]]; then
      ended=1
    elif _postern_kind "$each"; then
      ((i += 1))
      if ((i == @{#words[@]})); then pending=1; else _postern_keep "$each" "$each" "@{words[i]}"; fi
    elif [[ $each == --*=* ]]; then
      _postern_keep "@{each%%=*}" "$each"
    elif [[ $each != --* ]]; then
      _postern_keep "@{each:0:2}" "$each"
    fi
  done
  if [[ $pending ]]; then
    _postern_offer_kind "$kind"
  elif [[ ! $ended && $word == --*=* ]]; then
    if _postern_kind "@{word%%=*}"; then _postern_offer_kind "$kind" "@{word%%=*}="; fi
  elif [[ ! $ended && $word == -* ]]; then
    _postern_offer $flags
  else
    [[ $at == 0 ]] && _postern_offer $follow
    operands=($operands)
    _postern_offer_kind "@{operands[at]}"
  fi
}
`.replaceAll('@{', '${')
