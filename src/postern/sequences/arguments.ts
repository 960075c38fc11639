import { command } from '../../cli/command.ts'
import { UsageError } from '../../cli/fault.ts'
import { CONFIG, INTERFACES, JSON_OUTPUT } from '../../cli/option.ts'
import type { Options, Values } from '../../cli/option.ts'
import { wholeNumber } from '../../cli/value.ts'
import * as bound from '../../config/config.ts'
import { readPorts } from '../../config/list.ts'
import { nearest } from '../../text/nearest.ts'

/** The actions of `postern sequences`. */
const ACTIONS = ['make', 'count', 'list', 'rotate'] as const
const { first: FIRST, last: LAST } = bound.SEQUENCE_PORTS_DEFAULT
const HINT = 'postern sequences --help'

const OPTIONS = {
  count: {
    value: 'N',
    default: String(bound.SEQUENCE_COUNT_DEFAULT),
    read: wholeNumber(1, bound.SEQUENCE_COUNT_MAX),
    help: 'sequences',
  },
  length: {
    value: 'N',
    default: String(bound.SEQUENCE_LENGTH_DEFAULT),
    read: wholeNumber(bound.SEQUENCE_LENGTH_MIN, bound.SEQUENCE_LENGTH_MAX),
    help: 'knocks in each',
  },
  ports: { value: 'FIRST-LAST', default: `${FIRST}-${LAST}`, read: portRange, help: 'TCP ports to draw from' },
  reveal: { help: 'show the ports' },
  json: JSON_OUTPUT,
  config: CONFIG,
  interface: { ...INTERFACES, help: 'the interface that the daemon got with -i, if any' },
} as const satisfies Options

/** The arguments of `postern sequences`. The name is that of a door, or of the file that is made. */
export type SequencesArguments = Values<typeof OPTIONS> & {
  readonly action: (typeof ACTIONS)[number]
  readonly name: string | undefined
}

/** `postern sequences` */
export const SEQUENCES = command({
  name: 'postern sequences',
  summary: 'make, count, list and rotate lists of one-time sequences',
  forms: [
    'make [--count N] [--length N] [--ports FIRST-LAST] FILE',
    'count [--json] [DOOR]',
    'list [--reveal] DOOR',
    'rotate DOOR',
  ],
  about: `Manages lists of one-time sequences.

  make     write a new list, for One_Time_Sequences; an existing file is left as
           it is
  count    show how many are left, of every door or of one
  list     show what is left, the next one first; ports are masked
  rotate   replace a door's list. An old list that the daemon made can be used
           for a while (Publish_Overlap); one in a file stops working
           immediately`,
  options: OPTIONS,
  operands: { text: '', words: { make: ['file'], count: ['door'], list: ['door'], rotate: ['door'] } },
  exits: { 0: 'done', 1: 'not done, or few are left' },
  hint: HINT,
  read: (values, [word, name, ...more]): SequencesArguments => {
    const action = ACTIONS.find((each) => each === word)
    if (action === undefined) {
      const meant = word === undefined ? undefined : nearest(word, ACTIONS)
      if (meant !== undefined)
        throw new UsageError('no such action', `did you mean: postern sequences ${meant}\n  ${HINT}`)
      throw new UsageError(`${word === undefined ? 'missing action' : 'no such action'}: make, count, list or rotate`)
    }
    const operand = action === 'make' ? 'FILE' : 'DOOR'
    if (name === undefined && action !== 'count') throw new UsageError(`missing ${operand}`)
    if (more.length > 0) throw new UsageError(`too many arguments: ${action} takes one ${operand}`)
    return { ...values, action, name }
  },
  run: async () => (await import('./sequences.ts')).sequences,
})

function portRange(text: string): { readonly first: number; readonly last: number } {
  const read = readPorts(text)
  if ('value' in read) return read.value
  throw new UsageError(read.message, read.hint === undefined ? undefined : `${read.hint}\n  ${HINT}`)
}
