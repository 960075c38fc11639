import type { Kind } from '../../cli/option.ts'
import { sourceFlags } from './place.ts'
import type { Place, PlaceOption } from './place.ts'
import { PROGRAMS, quoted, slugOf } from './programs.ts'

/**
 * Returns the completion for zsh(1): a function a place for zsh's own `_arguments` (zshcompsys(1)). Names go to
 * `compadd` as the elements of an array, which zsh quotes when it inserts one.
 */
export function zshScript(places: readonly Place[]): string {
  const names = new Set(places.map(({ name }) => name))
  return `#compdef ${PROGRAMS.join(' ')}
# Completion of ${PROGRAMS.join(', ')} for zsh, made by \`postern completion zsh\`.

${NAMES}
${places.map((place) => functionOf(place, names)).join('\n')}
_postern() {
  # The functions of commands see the words after the command's name alone.
  local -a typed=("\${words[@]}")
  integer at=CURRENT
  case $service in
    (knock) if (( \${words[(I)--spa]} )); then _postern_knock_spa; else _postern_knock; fi ;;
    (knockd) _postern_knockd ;;
    (*) _postern_postern ;;
  esac
}

# As a file of the function path it is the function's body; elsewhere it was read by a shell that has compinit already.
if [[ $funcstack[1] == _postern ]]; then _postern "$@"; else compdef _postern ${PROGRAMS.join(' ')}; fi
`
}

/** Adds the names of a kind, its last argument. `tells` has the flags that say where names come from. */
// `@{` stands for the shell's `${`, which begins an expression of TypeScript.
const NAMES = String.raw`_postern_names() {
  local -a given names
  local word flag
  integer i
  for ((i = 2; i < at; i++)); do
    word=@{(Q)typed[i]}
    flag=@{word%%=*}
    [[ $word == -[^-]* ]] && flag=@{word[1,2]}
    (( @{tells[(Ie)$flag]} )) || continue
    if [[ $flag != $word ]]; then
      given+=("$word")
    elif (( ++i < at )); then
      given+=("$word" "@{@{(Q)typed[i]}/#\~\//$HOME/}")
    fi
  done
  names=(@{(f)"$(command postern completion --values "$argv[-1]" "@{given[@]}" 2>/dev/null </dev/null)"})
  compadd "@{(@)argv[1,-2]}" -a names
}
`.replaceAll('@{', '${')

function functionOf(place: Place, names: ReadonlySet<string>): string {
  const { name, words, options, operands } = place
  const specs = options.flatMap(specsOf)
  const own = `_postern_${slugOf(name)}() {
  local -a tells=(${sourceFlags(place).join(' ')})
`
  const kinds = operands.map((kind, index) => `${index + 1}:${messageOf(kind)}:${actionOf(kind)}`)
  if (words.length === 0) return `${own}${argumentsOf('  ', [...specs, ...kinds])}\n}\n`
  const choices = words.map(({ word, text }) => quoted(`${word}${text === '' ? '' : `:${text}`}`))
  const [first] = operands
  const after = words.map(({ word }) => ({ word, next: `${name} ${word}` })).filter(({ next }) => names.has(next))
  return `${own}  local context state state_descr line curcontext=$curcontext ret=1
  typeset -A opt_args
  local -a choices=(${lines('    ', choices)})
${argumentsOf('  ', [...specs, '(-)1: :->word', '(-)*:: :->rest'], ['-C'])} && ret=0
  case $state in
    (word)
      _describe -t commands command choices && ret=0
${first === undefined ? '' : `      ${actionOf(first)} && ret=0\n`}      ;;
    (rest)
      case $words[1] in
${after.map(({ word, next }) => `        (${word}) _postern_${slugOf(next)} && ret=0 ;;`).join('\n')}
        (*) ${first === undefined ? '' : `${argumentsOf('', [...specs, ...kinds.slice(1)])} && ret=0 `};;
      esac
      ;;
  esac
  return ret
}
`
}

function argumentsOf(indent: string, specs: readonly string[], more: readonly string[] = []): string {
  const begin = `${indent}_arguments ${[...more, '-s', '-S'].join(' ')} :`
  return specs.length === 0 ? `${begin} '*: :'` : `${begin} ${specs.map(quoted).join(` \\\n${indent}  `)}`
}

/** The specs of an option's flags, each of which excludes the others unless it may be repeated. */
function specsOf({ flags, text, value, kind, many }: PlaceOption): readonly string[] {
  const isFinal = flags.includes('--help') || flags.includes('--version')
  const excluded = isFinal ? '(- *)' : flags.length > 1 ? `(${flags.join(' ')})` : ''
  return flags.map((flag) => {
    const sign = value === undefined ? '' : flag.startsWith('--') ? '=' : '+'
    const behind = value === undefined ? '' : `:${escaped(value)}:${actionOf(kind)}`
    return `${many ? '*' : excluded}${flag}${sign}[${text.replaceAll(/[[\]\\]/g, String.raw`\$&`)}]${behind}`
  })
}

/** The actions of kinds that zsh itself completes. */
const ACTIONS: Partial<Record<Exclude<Kind, readonly string[]>, string>> = {
  config: '_files',
  file: '_files',
  folder: '_files -/',
  host: '_hosts',
}

/** Returns the action of a value. `_arguments` evaluates it, so it has words of the table alone. */
function actionOf(kind: Kind | undefined): string {
  if (kind === undefined) return ' '
  return typeof kind === 'object' ? `(${kind.join(' ')})` : (ACTIONS[kind] ?? `_postern_names ${kind}`)
}

function messageOf(kind: Kind): string {
  return typeof kind === 'object' ? ' ' : kind
}

function escaped(text: string): string {
  return text.replaceAll(/[\\:]/g, String.raw`\$&`)
}

function lines(indent: string, entries: readonly string[]): string {
  return `\n${entries.map((entry) => `${indent}${entry}\n`).join('')}  `
}
