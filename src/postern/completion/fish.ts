import type { Kind } from '../../cli/option.ts'
import { sourceFlags } from './place.ts'
import type { Choice, Place, PlaceOption } from './place.ts'
import { PROGRAMS } from './programs.ts'

/**
 * Returns the completion for fish(1), 3.4 or later: a `complete` for each word, option and operand of a place, under the
 * condition that the cursor is there. fish takes the lines of a command substitution as they are, and quotes them.
 */
export function fishScript(places: readonly Place[]): string {
  return `# Completion of ${PROGRAMS.join(', ')} for fish, made by \`postern completion fish\`.

# Sets the words that lead on from a place, the flags that take a value there, and those that say where names come from.
function __postern_place --no-scope-shadowing
    set follow
    set takes
    set tells
    switch $place
${places.map(caseOf).join('\n')}
    end
end
${ENGINE}
${PROGRAMS.map((program) => `complete -c ${program} -f`).join('\n')}
${places.flatMap(linesOf).join('\n')}
`
}

function caseOf(place: Place): string {
  const { name, words, options } = place
  const lists = {
    follow: words.map(({ word }) => word),
    takes: options.flatMap(({ flags, value }) => (value === undefined ? [] : flags)),
    tells: sourceFlags(place),
  }
  const set = Object.entries(lists).filter(([, list]) => list.length > 0)
  return [
    `        case ${quoted(name)}`,
    ...set.map(([variable, list]) => `            set ${variable} ${list.join(' ')}`),
  ].join('\n')
}

function linesOf({ name, words, options, operands }: Place): readonly string[] {
  const [program = ''] = name.split(' ')
  const at = (index: string): string => `complete -c ${program} -n "__postern_at '${name}'${index}"`
  return [
    ...words.map((choice) => `${at(' 0')} -f ${choiceOf(choice)}`),
    ...options.map((option) => `${at('')} ${optionOf(option)}`),
    ...operands.map((kind, index) => `${at(` ${index}`)} ${isFile(kind) ? '-F' : `-f ${argumentsOf(kind)}`}`),
  ]
}

function choiceOf({ word, text }: Choice): string {
  return `-a ${word}${text === '' ? '' : ` -d ${quoted(text)}`}`
}

function optionOf({ flags, text, value, kind }: PlaceOption): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
  const takes = value === undefined ? [] : [isFile(kind) ? '-r -F' : `-x ${argumentsOf(kind)}`.trim()]
  return [...names, ...takes, ...(text === '' ? [] : [`-d ${quoted(text)}`])].join(' ')
}

function isFile(kind: Kind | undefined): boolean {
  return kind === 'config' || kind === 'file'
}

function argumentsOf(kind: Kind | undefined): string {
  if (typeof kind === 'object') return `-a '${kind.join(' ')}'`
  if (kind === undefined) return ''
  if (kind === 'folder') return "-a '(__fish_complete_directories)'"
  return kind === 'host' ? "-a '(__fish_print_hostnames)'" : `-a '(__postern_names ${kind})'`
}

function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`
}

const ENGINE = String.raw`
# Sets the place of the cursor, the number of operands in front of it, and the options that say where names come from.
function __postern_walk --no-scope-shadowing
    set -l tokens (commandline -opc)
    set place (string replace -r '.*/' '' -- $tokens[1])
    set at 0
    set given
    if test "$place" = knock; and contains -- --spa $tokens
        set place 'knock --spa'
    end
    set -l follow
    set -l takes
    set -l tells
    __postern_place
    set -l ended
    set -l i 2
    while test $i -le (count $tokens)
        set -l each $tokens[$i]
        if test -n "$ended"; or not string match -qr -- '^-.' $each
            if test $at -eq 0; and contains -- "$each" $follow
                set place "$place $each"
                __postern_place
            else
                set at (math $at + 1)
            end
        else if test "$each" = --
            set ended 1
        else if contains -- $each $takes
            set i (math $i + 1)
            if contains -- $each $tells; and test $i -le (count $tokens)
                set -a given $each (string replace -r '^~/' $HOME/ -- $tokens[$i])
            end
        else if contains -- (string replace -r '=.*' '' -- $each) $tells
            set -a given $each
        else if string match -qr -- '^-[^-]' $each; and contains -- (string sub -l 2 -- $each) $tells
            set -a given $each
        end
        set i (math $i + 1)
    end
end

# Whether the cursor is at a place, behind that many operands if a number is given. fish asks for each place in turn.
function __postern_at -a wanted operands
    set -l line (commandline -pc | string collect)
    if test "$line" != "$__postern_line"
        set -l place
        set -l at
        set -l given
        __postern_walk
        set -g __postern_line $line
        set -g __postern_found $place $at
    end
    test "$wanted" = "$__postern_found[1]"; or return
    test -z "$operands"; or test "$operands" = "$__postern_found[2]"
end

# Prints the names of a kind. fish does not quote a tilde in front, so a name with one is left out.
function __postern_names -a kind
    command -q postern; or return
    set -l place
    set -l at
    set -l given
    __postern_walk
    command postern completion --values $kind $given 2>/dev/null </dev/null | string match -rv '^~'
end
`
