import { command } from '../../../cli/command.ts'
import type { Command } from '../../../cli/command.ts'
import { UsageError } from '../../../cli/fault.ts'
import { CONFIG, JSON_OUTPUT } from '../../../cli/option.ts'
import type { Options, Values } from '../../../cli/option.ts'
import { duration } from '../../../cli/value.ts'
import type { Service } from '../../../config/config.ts'
import { ALLOW } from '../allowed.ts'
import { asRoot, reported } from './as-root.ts'

/** The shortest and longest trial in milliseconds. */
export const TRIAL_MIN_MS = 5_000
export const TRIAL_MAX_MS = 3_600_000

const TRIAL = {
  config: CONFIG,
  allow: ALLOW,
  timeout: {
    value: 'TIME',
    default: '60s',
    read: duration(TRIAL_MIN_MS, TRIAL_MAX_MS),
    help: 'length of the trial',
  },
  'dry-run': { help: 'show what would change, and change nothing' },
  beside: { help: 'load it even where other rules filter what comes in as well' },
  persist: { help: 'once it is confirmed, write it where this machine loads its rules at boot' },
  replace: { within: 'persist', help: 'with --persist: also replace rules of other programs' },
} as const satisfies Options

const REMOVE_OPTIONS = {
  'keep-guard': { help: 'leave the guard: what it hides stays hidden' },
} as const satisfies Options

const STATUS_OPTIONS = { json: JSON_OUTPUT } as const satisfies Options

/** The arguments that a base ruleset is made from. */
export interface RulesetArguments {
  readonly file: string
  readonly allowed: readonly Service[]
}

/** The arguments of `postern firewall apply`. */
export interface TrialArguments extends RulesetArguments {
  readonly trialMs: number
  readonly dryRun: boolean
  readonly beside: boolean
  readonly persist: boolean
  readonly replace: boolean
}

/** The arguments of `postern firewall remove` and `postern firewall status`. */
export type RemoveArguments = Values<typeof REMOVE_OPTIONS>
export type StatusArguments = Values<typeof STATUS_OPTIONS>

/** The commands of the base ruleset. */
export const BASE_COMMANDS: readonly Command[] = [
  command({
    name: 'postern firewall print',
    summary: 'print a base ruleset for a server that has none',
    about: `Prints a base ruleset for a server that has none: loopback, established
connections, ICMP, the ports named and those that are guarded are accepted, the
rest is refused as closed ports refuse. Changes nothing and needs no privilege.`,
    options: { config: CONFIG, allow: ALLOW },
    exits: { 0: 'printed', 78: 'the config cannot be used' },
    examples: '  postern firewall print --allow tcp/80,tcp/443 > base.nft',
    read: ({ config: file, allow }): RulesetArguments => ({ file, allowed: allow.flat() }),
    run: reported(async () => (await import('./print.ts')).print),
  }),
  command({
    name: 'postern firewall apply',
    summary: 'load it on trial: it is taken back unless you confirm it',
    about: `Loads the base ruleset that \`print\` prints, on trial: unless it is confirmed
over a new connection it is taken back by itself, even if this terminal is lost
or every process of it killed.`,
    options: TRIAL,
    exits: { 0: 'confirmed', 1: 'taken back or not loaded', 78: 'the config cannot be used' },
    examples: '  sudo postern firewall apply --allow tcp/80,tcp/443',
    read: (values): TrialArguments => {
      const { config: file, allow, timeout: trialMs, 'dry-run': dryRun, beside, persist, replace } = values
      if (replace && !persist) throw new UsageError('--replace belongs to --persist')
      return { file, allowed: allow.flat(), trialMs, dryRun, beside, persist, replace }
    },
    run: asRoot('apply', async () => (await import('./apply.ts')).apply),
  }),
  command({
    name: 'postern firewall confirm',
    summary: 'confirm it, over a new connection',
    about: `Keeps the base ruleset that is on trial. Run it over a connection made after the
trial began: that proves that you can still log in.`,
    options: {},
    exits: { 0: 'it is kept', 1: 'it is not' },
    read: (values) => values,
    run: asRoot('confirm', async () => (await import('./confirm.ts')).confirm),
  }),
  command({
    name: 'postern firewall restore',
    summary: 'load again what was confirmed',
    about: `Loads the confirmed base ruleset again, exactly as it was, after a flush removed
it, somebody edited it, or a trial was never taken back. Established connections
stay. Refuses where the ruleset would refuse a port that the config opens, or
the one at which you are logged in.`,
    options: {},
    exits: { 0: 'it is loaded', 1: 'it is not' },
    read: (values) => values,
    run: asRoot('restore', async () => (await import('./restore.ts')).restore),
  }),
  command({
    name: 'postern firewall remove',
    summary: 'remove it',
    about: `Removes the base ruleset, its file that is loaded at boot with the line that
names it, and the guard that a daemon left, unless one is running. The
machine's own rules are not touched.`,
    options: REMOVE_OPTIONS,
    exits: { 0: 'nothing of it is left', 1: 'something is' },
    read: (values): RemoveArguments => values,
    run: asRoot('remove', async () => (await import('./remove.ts')).remove),
  }),
  command({
    name: 'postern firewall status',
    summary: 'show the state',
    about: `Shows whether the base ruleset is loaded, confirmed or on trial, whether it is
loaded at boot, which other rules filter what comes in, and problems, each with
the command that fixes it. Changes nothing.`,
    options: STATUS_OPTIONS,
    exits: { 0: 'loaded as it was confirmed, without problems', 1: 'not so' },
    read: (values): StatusArguments => values,
    run: asRoot('status', async () => (await import('./status.ts')).status),
  }),
]
