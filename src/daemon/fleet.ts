import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import type { FleetStatus } from '../control/message.ts'
import type { FleetMember, LedgerDeps, MemberDeps } from '../fleet/member.ts'
import type { Ledger } from '../state/ledger.ts'
import { prepareFolder } from '../state/folder.ts'
import { joinLines } from '../text/joined-lines.ts'

/** This host's membership in the fleet of its config, or the reason why it has none. */
export type Joined =
  | FleetMember
  | {
      readonly unavailable: string
      /** Returns a ledger that keeps doors of the fleet shut. */
      readonly ledger: (deps: LedgerDeps) => Ledger
    }

/**
 * Loads the fleet of a config. `undefined`: it names none, and nothing of a fleet is loaded. With files that cannot be used,
 * the daemon goes on: doors of the fleet stay shut, and all others work.
 */
export async function joinFleet({ options }: Config, deps: MemberDeps): Promise<Joined | undefined> {
  if (options.fleet === undefined) return undefined
  // One after another: Node.js 20 can fail to link modules that load at the same time (nodejs/node#52187).
  const { loadFleet } = await import('../fleet/settings.ts')
  const { FleetMember } = await import('../fleet/member.ts')
  const { FleetLedger } = await import('../fleet/fleet-ledger.ts')
  try {
    const keys = loadFleet(options.fleet)
    await prepareFolder(join(keys.settings.stateFolder, 'hosts.signed'))
    return new FleetMember(keys, deps)
  } catch (error) {
    const { message } = error as Error
    deps.log.notice('error', `${message}\ndoors with \`Scope = fleet\` stay shut; repair it, then restart knockd`)
    const [unavailable = ''] = message.split('\n')
    const ledger = ({ local, isOfFleet }: LedgerDeps): Ledger =>
      new FleetLedger({ local, isOfFleet, claims: { unavailable } })
    return { unavailable: `${joinLines(message)}; then restart knockd`, ledger }
  }
}

/** Returns the membership, if there is one. */
export function memberOf(joined: Joined | undefined): FleetMember | undefined {
  return joined === undefined || 'unavailable' in joined ? undefined : joined
}

/** Returns the state of a membership, for the status. */
export function fleetStatus(joined: Joined): FleetStatus {
  if ('unavailable' in joined) return { shut: joined.unavailable, problems: [] }
  const { fleet, host, blind, waiting, hosts, users, isListed } = joined.status
  const { refused, problems: others } = joined.trouble
  const left =
    isListed === false
      ? `operators do not list this host, or no longer: an operator types postern fleet invite ${host}`
      : undefined
  const problems = [
    left,
    hosts.refused === undefined ? undefined : `a list of hosts is refused: ${hosts.refused}`,
    users.refused === undefined ? undefined : `users are refused: ${users.refused}`,
  ]
  return {
    name: fleet,
    host,
    hosts: hosts.version,
    users: users.version,
    // A write that failed tells more than a watch: every node's answer, or what to do.
    shut: blind === undefined ? (joined.clock.isOff ?? refused ?? waiting) : (refused ?? blind),
    problems: [...problems.filter((problem) => problem !== undefined), ...others],
  }
}
