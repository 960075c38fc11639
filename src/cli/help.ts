import type { CommandHelp } from './command.ts'
import { USAGE } from './exit-code.ts'
import { HELP } from './option.ts'
import type { Option, Options } from './option.ts'

/** The width of a terminal, and the column at which texts beside options begin at the latest. */
const COLUMNS = 80
const TEXT_COLUMN_MAX = 24

/** A line of a list: an option, an operand or a command, and its text. */
export interface Entry {
  readonly label: string
  readonly text: string
}

/** Returns the help of a command, within 80 columns. */
export function helpOf(row: CommandHelp): string {
  const { about, notes, exits, examples } = row
  const codes = Object.entries({ ...exits, [USAGE]: 'usage' }).map(([code, meaning]) => `${code} ${meaning}`)
  const status = wrap(`exit status: ${codes.join(', ')}`.split(' '), COLUMNS).join('\n')
  const parts = [usageOf(row).trimEnd(), about, lists(blocksOf(row)), notes, status, examples]
  return `${parts.filter((part) => part !== undefined).join('\n\n')}\n`
}

/** Returns the synopses of a command, as its help begins. */
export function usageOf(row: CommandHelp): string {
  const begin = `usage: ${row.name}`
  if (row.forms !== undefined) {
    return `usage: ${row.forms.map((form) => `${row.name} ${form}\n`).join(' '.repeat('usage: '.length))}`
  }
  const lines = wrap(synopsisOf(row), COLUMNS - begin.length - 1)
  return `${[begin, lines.join(`\n${' '.repeat(begin.length + 1)}`)].join(' ').trimEnd()}\n`
}

/** Returns the parts of a command's synopsis: `[-c FILE]`, `[--allow PORTS]...`, `[--persist [--replace]]`, `[DOOR]`. */
export function synopsisOf({ options, operands }: CommandHelp): readonly string[] {
  const words = operands === undefined || operands.text === '' ? [] : [operands.text]
  const inFront = operands?.first === true
  return [...(inFront ? words : []), ...partsOf(options, undefined), ...(inFront ? [] : words)]
}

function partsOf(options: Options, within: string | undefined): readonly string[] {
  return Object.entries(options)
    .filter(([, option]) => option.within === within)
    .map(([name, { short, value, many }]) => {
      const flag = short === undefined ? `--${name}` : `-${short}`
      const inner = [flag, ...(value === undefined ? [] : [value]), ...partsOf(options, name)]
      return `[${inner.join(' ')}]${many === true ? '...' : ''}`
    })
}

/** Returns the blocks of operands and options. A heading begins a block. */
function blocksOf({ options, operands }: CommandHelp): readonly Block[] {
  const own =
    operands?.help === undefined ? [] : [{ label: operands.text.replaceAll(/[[\]]/g, ''), text: operands.help }]
  const blocks: { heading: string; entries: Entry[] }[] = [{ heading: '', entries: own }]
  for (const [name, option] of Object.entries('help' in options ? options : { ...options, help: HELP })) {
    if (option.heading !== undefined) blocks.push({ heading: option.heading, entries: [] })
    if (option.help !== undefined) blocks.at(-1)!.entries.push({ label: labelOf(name, option), text: textOf(option) })
  }
  return blocks.filter(({ entries }) => entries.length > 0)
}

function labelOf(name: string, { short, value }: Option): string {
  return `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`
}

function textOf(option: Option): string {
  const usual = option.default === undefined ? [] : [`default: ${option.default}`]
  return [...(option.help === undefined || option.help === '' ? [] : [option.help]), ...usual].join('; ')
}

/** A list with a heading, if it is not empty. */
export interface Block {
  readonly heading: string
  readonly entries: readonly Entry[]
}

/** Formats lists with their texts in one column. */
export function lists(blocks: readonly Block[]): string {
  const widest = Math.max(...blocks.flatMap(({ entries }) => entries.map(({ label }) => label.length)))
  const column = Math.min(TEXT_COLUMN_MAX, widest + 4)
  const shift = ' '.repeat(column)
  const lines = ({ label, text }: Entry): string => {
    const texts = wrap(text.split(' '), COLUMNS - column).join(`\n${shift}`)
    return label.length + 3 > column ? `  ${label}\n${shift}${texts}` : `${`  ${label}`.padEnd(column)}${texts}`
  }
  return blocks
    .map(({ heading, entries }) => `${heading === '' ? '' : `${heading}\n`}${entries.map(lines).join('\n')}`)
    .join('\n\n')
}

/** Fills lines with words. */
export function wrap(words: readonly string[], width: number): readonly string[] {
  const lines: string[] = []
  for (const word of words) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
