import { FaultList } from '../../text/fault.ts'
import type { Door } from '../../config/config.ts'
import { NO_DOOR, readConfig, readDraft } from '../../config/read.ts'
import { secretPath, writtenKnocks } from '../../config/secret.ts'
import { formatSequence } from '../../config/sequence.ts'
import { formatService } from '../../config/service.ts'
import { formatNetwork } from '../../packet/network.ts'
import type { Plan, SecretKind } from './choices.ts'

/** The time for a whole sequence, as text. */
const SEQ_TIMEOUT = '10'

/** Formats a time as the config has it: `30s`, `10m`. */
export function timeText(ms: number): string {
  if (ms % 60_000 === 0) return `${ms / 60_000}m`
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`
}

/** Formats the config of a plan. The same plan gives the same text. */
export function configText(plan: Plan): string {
  const { door, interfaces, hidden, alwaysAllow, openForMs, user } = plan
  const ports = hidden.map(formatService).join(',')
  const options = [
    'UseSyslog',
    `Interface = ${interfaces.join(',')}`,
    ...(alwaysAllow.length === 0 ? [] : [`Always_Allow = ${alwaysAllow.map(formatNetwork).join(',')}`]),
    ...(user === undefined ? [] : [`User = ${user}`]),
  ]
  const lines = [...secretLines(plan), `Open_Ports = ${ports}`, `Open_For = ${timeText(openForMs)}`]
  return [
    '# Written by postern setup: see knockd.conf(5). After a change:',
    '#',
    '#     postern check && postern rehearse, then reload knockd',
    '',
    '[options]',
    ...options.map((line) => `\t${line}`),
    '',
    `# Hides ${ports}, and opens it for ${timeText(openForMs)} to the address that knocks. Connections made in that time stay.`,
    `[${door}]`,
    ...lines.map((line) => `\t${line}`),
    '',
  ].join('\n')
}

function secretLines({ secret, knocks, path = '' }: Plan): readonly string[] {
  if (secret === 'spa') return ['SPA = postern', `SPA_Users = ${path}`]
  const sequence = [`Sequence = ${formatSequence(knocks)}`, `Seq_Timeout = ${SEQ_TIMEOUT}`]
  return secret === 'totp' ? [...sequence, `TOTP_Secret_File = ${path}`] : sequence
}

/** Returns the plan of a config that set-up wrote; `undefined` if somebody else wrote or edited it. */
export function planIn(text: string, file: string): Plan | undefined {
  const { config } = readConfig(text, file)
  const [door, ...others] = config?.doors ?? []
  if (config === undefined || door === undefined || others.length > 0) return undefined
  const secret = secretOf(door)
  if (secret === undefined) return undefined
  const plan: Plan = {
    door: door.name,
    interfaces: config.options.interfaces,
    hidden: door.opens,
    ...secret,
    alwaysAllow: config.options.alwaysAllow,
    openForMs: door.cmdTimeoutMs,
    user: config.options.user,
  }
  return configText(plan) === text ? plan : undefined
}

function secretOf({ secret }: Door): Pick<Plan, 'secret' | 'knocks' | 'path'> | undefined {
  const kinds: Readonly<Record<string, SecretKind>> = { sequence: 'sequence', totp: 'totp', spa: 'spa' }
  const kind = kinds[secret.kind]
  if (kind === undefined) return undefined
  return { secret: kind, knocks: writtenKnocks(secret), path: secretPath(secret) }
}

/** Returns true if a config hides nothing and opens nothing, as the one that packages install. */
export function isEmpty(text: string, file: string): boolean {
  const faults = new FaultList()
  const { doors, options } = readDraft(text, file, faults)
  const errors = faults.sorted().filter(({ severity }) => severity === 'error')
  return doors.length === 0 && options.guard.length === 0 && errors.every(({ message }) => message === NO_DOOR)
}
