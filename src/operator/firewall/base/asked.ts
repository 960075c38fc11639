import { parseArgs } from 'node:util'
import type { Config, Service } from '../../../config/config.ts'
import { parseDuration } from '../../../config/duration.ts'
import { formatFault } from '../../../text/fault.ts'
import { CONFIG_DEFAULT, UNUSABLE, USAGE, examine } from '../../check.ts'
import type { Output } from '../../check.ts'
import { readAllowed } from '../allowed.ts'

/** The default length of a trial, and its shortest and longest length in milliseconds. */
const TRIAL_DEFAULT = '60s'
const TRIAL_MIN_MS = 5_000
const TRIAL_MAX_MS = 3_600_000

/** The arguments of the commands of the base ruleset. */
export interface Asked {
  readonly file: string
  readonly allowed: readonly Service[]
  readonly trialMs: number
  readonly dryRun: boolean
  readonly beside: boolean
  readonly persist: boolean
  readonly replace: boolean
  readonly keepGuard: boolean
  readonly json: boolean
  readonly help: boolean
}

/** The commands, with the options that each takes beside `-h`. */
const OPTIONS = {
  print: ['config', 'allow'],
  apply: ['config', 'allow', 'timeout', 'dry-run', 'beside', 'persist', 'replace'],
  confirm: [],
  restore: [],
  remove: ['keep-guard'],
  status: ['json'],
} as const

/** A command of the base ruleset. */
export type Command = keyof typeof OPTIONS

/** The options of all commands. */
const TYPES = {
  config: { type: 'string', short: 'c' },
  allow: { type: 'string', multiple: true },
  timeout: { type: 'string' },
  'dry-run': { type: 'boolean' },
  beside: { type: 'boolean' },
  persist: { type: 'boolean' },
  replace: { type: 'boolean' },
  'keep-guard': { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Reads the command line of a command. If it cannot be used, prints the reason and returns the exit code. */
export function read(command: Command, args: readonly string[], usage: string, output: Output): Asked | number {
  const refuse = (text: string): number => {
    output.err(`postern: ${text}\n${usage.slice(0, usage.indexOf('\n\n'))}\n`)
    return USAGE
  }
  let values
  try {
    ;({ values } = parseArgs({ args: [...args], options: TYPES, strict: true }))
  } catch (error) {
    const [message = ''] = (error as Error).message.split('. ')
    return refuse(message.charAt(0).toLowerCase() + message.slice(1))
  }
  const known = new Set<string>([...OPTIONS[command], 'help'])
  const strange = Object.keys(values).find((name) => !known.has(name))
  if (strange !== undefined) return refuse(`firewall ${command} has no option --${strange}`)
  if (values.replace === true && values.persist !== true) return refuse('--replace belongs to --persist')
  const allowed = readAllowed(values.allow ?? [])
  if ('usage' in allowed) return refuse(allowed.usage)
  const time = parseDuration(values.timeout ?? TRIAL_DEFAULT, TRIAL_MIN_MS, TRIAL_MAX_MS)
  if ('message' in time) {
    return refuse(`--timeout: ${time.message}${time.hint === undefined ? '' : `\n  ${time.hint}`}`)
  }
  return {
    file: values.config ?? CONFIG_DEFAULT,
    ...allowed,
    trialMs: time.value,
    dryRun: values['dry-run'] === true,
    beside: values.beside === true,
    persist: values.persist === true,
    replace: values.replace === true,
    keepGuard: values['keep-guard'] === true,
    json: values.json === true,
    help: values.help === true,
  }
}

/** Reads the config and prints its faults. If it cannot be used, returns the exit code. */
export function readConfigOf({ file }: Asked, output: Output): Config | number {
  const { config, faults } = examine(file)
  for (const fault of faults) output.err(`${formatFault(file, fault)}\n`)
  return config ?? UNUSABLE
}
