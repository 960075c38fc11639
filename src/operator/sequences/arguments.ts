import { parseArgs } from 'node:util'
import * as bound from '../../config/config.ts'
import { readPorts } from '../../config/list.ts'
import { nearest } from '../../text/nearest.ts'
import { CONFIG_DEFAULT } from '../check.ts'

/** The actions of `postern sequences`. */
export const ACTIONS = ['make', 'count', 'list', 'rotate'] as const
export type Action = (typeof ACTIONS)[number]

/** The arguments of `postern sequences`. */
export interface SequencesArguments {
  readonly action: Action
  /** The name of a door, or the file that is to be made. */
  readonly name: string | undefined
  readonly config: string
  readonly interfaces: readonly string[]
  readonly reveal: boolean
  readonly count: number
  readonly length: number
  readonly ports: { readonly first: number; readonly last: number }
  readonly json: boolean
}

/** A command line that cannot be used. */
export class UsageError extends Error {}

/** Reads the command line. @returns `undefined` if it asks for help @throws UsageError */
export function readArguments(args: readonly string[]): SequencesArguments | undefined {
  const { values, positionals } = parse(args)
  if (values.help === true) return undefined
  const [word, name, ...more] = positionals
  const action = ACTIONS.find((each) => each === word)
  if (action === undefined) {
    const meant = word === undefined ? undefined : nearest(word, ACTIONS)
    if (meant !== undefined) throw new UsageError(`no such action\n  did you mean: postern sequences ${meant}`)
    throw new UsageError(`${word === undefined ? 'missing action' : 'no such action'}: make, count, list or rotate`)
  }
  const operand = action === 'make' ? 'FILE' : 'DOOR'
  if (name === undefined && action !== 'count') throw new UsageError(`missing ${operand}`)
  if (more.length > 0) throw new UsageError(`too many arguments: ${action} takes one ${operand}`)
  return {
    action,
    name,
    config: values.config ?? CONFIG_DEFAULT,
    interfaces: (values.interface ?? []).flatMap((each) => each.split(',')).map((each) => each.trim()),
    reveal: values.reveal === true,
    count: readNumber('--count', values.count, bound.SEQUENCE_COUNT_DEFAULT, 1, bound.SEQUENCE_COUNT_MAX),
    length: readNumber(
      '--length',
      values.length,
      bound.SEQUENCE_LENGTH_DEFAULT,
      bound.SEQUENCE_LENGTH_MIN,
      bound.SEQUENCE_LENGTH_MAX,
    ),
    ports: values.ports === undefined ? bound.SEQUENCE_PORTS_DEFAULT : readRange(values.ports),
    json: values.json === true,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        config: { type: 'string', short: 'c' },
        interface: { type: 'string', short: 'i', multiple: true },
        reveal: { type: 'boolean' },
        count: { type: 'string' },
        length: { type: 'string' },
        ports: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
      allowPositionals: true,
      strict: true,
    })
  } catch (error) {
    const [message = ''] = (error as Error).message.split('. ')
    throw new UsageError(message.charAt(0).toLowerCase() + message.slice(1), { cause: error })
  }
}

function readNumber(option: string, text: string | undefined, usual: number, min: number, max: number): number {
  if (text === undefined) return usual
  const number = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (number >= min && number <= max) return number
  throw new UsageError(`${option}: a whole number from ${min} to ${max}`)
}

function readRange(text: string): { readonly first: number; readonly last: number } {
  const read = readPorts(text)
  if ('message' in read) throw new UsageError(`--ports: ${read.message}\n  ${read.hint}`)
  return read.value
}
