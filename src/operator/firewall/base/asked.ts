import { parseArgs } from 'node:util'
import type { Config, Service } from '../../../config/config.ts'
import { parseDuration } from '../../../config/duration.ts'
import { formatFault } from '../../../config/fault.ts'
import { CONFIG_DEFAULT, UNUSABLE, USAGE, examine } from '../../check.ts'
import type { Output } from '../../check.ts'
import { readAllowed } from '../allowed.ts'

/** How long a ruleset is on trial where nothing else is said, and the shortest and longest trial in milliseconds. */
const TRIAL_DEFAULT = '60s'
const TRIAL_MIN_MS = 5_000
const TRIAL_MAX_MS = 3_600_000

/** What the commands of the base ruleset are asked. */
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

/** The commands, and the options that each has beside `-h`. */
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

/** Every option there is. */
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

/** Reads the command line of a command. Gives an exit code where it cannot be used, and has said why. */
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
    trialMs: time.ms,
    dryRun: values['dry-run'] === true,
    beside: values.beside === true,
    persist: values.persist === true,
    replace: values.replace === true,
    keepGuard: values['keep-guard'] === true,
    json: values.json === true,
    help: values.help === true,
  }
}

/** Reads the config, says what is wrong with it, and gives an exit code where it cannot be used. */
export function readConfigOf({ file }: Asked, output: Output): Config | number {
  const { config, faults } = examine(file)
  for (const fault of faults) output.err(`${formatFault(file, fault)}\n`)
  return config ?? UNUSABLE
}
