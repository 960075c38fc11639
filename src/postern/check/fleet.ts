import { join } from 'node:path'
import type { Config, Door } from '../../config/config.ts'
import { secretPath } from '../../config/secret.ts'
import type { Beat } from '../../fleet/beat.ts'
import type { FleetKeys } from '../../fleet/settings.ts'
import type { Fault } from '../../text/fault.ts'

/** Milliseconds within which etcd has to answer: somebody waits for the check. */
const ANSWER_MAX_MS = 1_000
const SCOPE_HINT = 'add `Scope = fleet` to the door'

/**
 * Returns the faults of a config that has to do with a fleet: files that cannot be used, doors with users of the fleet that
 * are not the fleet's, and secrets that another host has, too. The last needs etcd, which is asked for a second.
 */
export async function faultsOfFleet(config: Config): Promise<readonly Fault[]> {
  const { fleet } = config.options
  if (fleet === undefined) return []
  const { loadFleet } = await import('../../fleet/settings.ts')
  let keys: FleetKeys
  try {
    keys = loadFleet(fleet)
  } catch (error) {
    const [message = '', ...hints] = (error as Error).message.split('\n')
    return [warning(1, message, ['doors with `Scope = fleet` stay shut', ...hints].join('; '))]
  }
  const secrets = await import('../../fleet/secret-marks.ts')
  return [
    ...usersOutside(config, keys.settings.stateFolder),
    ...mixedScopes(config, keys.fleetKey, secrets),
    ...sharedFaults(config, keys, await beatsOf(keys), secrets),
  ]
}

/** Finds doors with files of the fleet's users that are not the fleet's: a code would open once on each host. */
export function usersOutside({ doors }: Config, stateFolder: string): readonly Fault[] {
  const users = `${join(stateFolder, 'users.d')}/`
  return own(doors)
    .filter(({ secret }) => secretPath(secret)?.startsWith(users) === true)
    .map(({ name, line }) => {
      return warning(
        line,
        `door \`${name}\` has users of the fleet, and its secrets can be used once on each host`,
        SCOPE_HINT,
      )
    })
}

/** Finds secrets that other hosts have, by what they say of themselves. */
export function sharedFaults(
  { doors, options }: Config,
  { fleetKey, settings }: Pick<FleetKeys, 'fleetKey' | 'settings'>,
  beats: ReadonlyMap<string, Pick<Beat, 'marks'>>,
  { secretMarks, hostsThatShare }: typeof import('../../fleet/secret-marks.ts'),
): readonly Fault[] {
  return own(doors).flatMap((door): readonly Fault[] => {
    const others = hostsThatShare(secretMarks(fleetKey, [door], options.spaKeyFile), settings.host, beats)
    if (others.length === 0) return []
    const message = `${others[0]} has a secret of door \`${door.name}\`, too${others.length > 1 ? `, and ${others.length - 1} more` : ''}: it can be used once on each host`
    return [warning(door.line, message, `${SCOPE_HINT} on all of them, or make another secret`)]
  })
}

/** Finds secrets that two doors of this host share, of which one alone asks the fleet. */
export function mixedScopes(
  { doors, options }: Config,
  fleetKey: Buffer,
  { marksOf }: Pick<typeof import('../../fleet/secret-marks.ts'), 'marksOf'>,
): readonly Fault[] {
  const marks = new Map(doors.map((door) => [door, new Set(marksOf(fleetKey, [door], options.spaKeyFile))]))
  const ofFleet = doors.filter(({ scope, secret }) => scope === 'fleet' && !isOwnPacket(secret))
  return own(doors).flatMap((door): readonly Fault[] => {
    const other = ofFleet.find((each) => [...marks.get(each)!].some((mark) => marks.get(door)!.has(mark)))
    if (other === undefined) return []
    const message = `doors \`${door.name}\` and \`${other.name}\` share a secret, and \`${other.name}\` alone has \`Scope = fleet\`: what was used at \`${door.name}\` can be used on another host`
    return [warning(door.line, message, `${SCOPE_HINT} \`${door.name}\`, or give it another secret`)]
  })
}

/** Returns true for packets that no other host can read. */
function isOwnPacket(secret: Door['secret']): boolean {
  return 'protocol' in secret && secret.protocol === 'postern'
}

async function beatsOf({ settings, access }: FleetKeys): Promise<ReadonlyMap<string, Beat>> {
  const { Etcd } = await import('../../etcd/client.ts')
  const { Keyspace } = await import('../../fleet/keyspace.ts')
  const { readBeats } = await import('../fleet/hosts/overview.ts')
  const etcd = new Etcd(access, { withinMs: ANSWER_MAX_MS })
  try {
    return await readBeats(etcd, new Keyspace(settings.fleet))
  } catch {
    // Doctor says what is wrong with etcd.
    return new Map()
  } finally {
    etcd.close()
  }
}

function own(doors: readonly Door[]): readonly Door[] {
  return doors.filter(({ scope }) => scope !== 'fleet')
}

function warning(line: number, message: string, hint: string): Fault {
  return { severity: 'warning', line, column: 1, message, hint }
}
