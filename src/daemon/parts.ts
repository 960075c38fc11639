import { steadyNow } from '../capture/steady-clock.ts'
import { interestOf } from '../capture/interest.ts'
import { broadcastAddresses } from '../host/local-addresses.ts'
import type { Config } from '../config/config.ts'
import { socketPath } from '../control/socket.ts'
import { CommandRunner } from '../door/command.ts'
import { CommandOpener } from '../door/command-opener.ts'
import { DoorOpener } from '../door/door-opener.ts'
import type { Opened } from '../gate/effect.ts'
import { listeningPorts } from '../host/listening.ts'
import { sameAddress } from '../packet/address.ts'
import { Authenticators } from '../secret/authenticators.ts'
import { SYSTEM_CLOCK } from '../secret/clock.ts'
import { Redemptions } from '../secret/redemptions.ts'
import { Clocks } from '../state/boot-clock.ts'
import type { FleetOpenings } from '../fleet/fleet-openings.ts'
import type { HolderMarks } from '../secret/holder-marks.ts'
import { JournalLedger } from '../state/journal-ledger.ts'
import type { Store } from '../state/store.ts'
import type { Arguments } from './arguments.ts'
import { BaseKeeping } from './base-keeping.ts'
import { Captures } from './captures.ts'
import type { Controlled } from './control.ts'
import { Faults } from './faults.ts'
import { memberOf } from './fleet.ts'
import type { Joined } from './fleet.ts'
import { Guarding } from './guarding.ts'
import { Knocks } from './knocks.ts'
import type { Log } from '../log/log.ts'
import { MemberOpenings } from './member.ts'
import type { Observation } from './observation.ts'
import { Operators } from './operators.ts'
import { Reconciler } from './reconcile.ts'
import { listFolder } from './state-path.ts'
import type { RunsAs } from './user/settle.ts'

/** The daemon's state on disk. */
export interface State {
  /** The path of the journal. */
  readonly path: string
  readonly store: Store
  readonly marks: HolderMarks
  readonly runsAs: RunsAs
  readonly observation: Observation
  /** `undefined`: the config names no fleet. */
  readonly fleet: Joined | undefined
}

/** The parts of the daemon, connected with each other. None has begun to work. */
export class Parts {
  readonly faults: Faults
  readonly runner = new CommandRunner()
  readonly knocks: Knocks
  readonly authenticators: Authenticators
  readonly guarding: Guarding
  readonly commands: CommandOpener
  readonly base: BaseKeeping
  readonly reconciler: Reconciler
  readonly operators: Operators
  readonly captures: Captures
  /** `undefined`: this host is in no fleet, or its files cannot be used. */
  readonly fleet: FleetOpenings | undefined

  /** @param present returns the config in force */
  constructor(args: Arguments, present: () => Config, log: Log, state: State) {
    const config = present()
    const { store, marks, runsAs, observation } = state
    const faults = new Faults((text) => log.notice('error', text))
    this.faults = faults
    const timed = { store, clocks: new Clocks(), log }
    this.guarding = new Guarding({ ...timed, kept: (opening) => this.fleet?.kept(opening) })
    this.commands = new CommandOpener({ ...timed, runner: this.runner, commandsAs: runsAs.commandsAs })
    const onThisHost = new DoorOpener(this.guarding.ports, this.commands)
    const { fleet } = state
    const attempt = async (work: () => Promise<void>): Promise<void> => await faults.attempt(work)
    this.fleet = memberOf(fleet)?.openings({
      opener: onThisHost,
      authenticators: {
        find: (name) => authenticators.find(name),
        grantFor: (vouched) => authenticators.grantFor(vouched),
      },
      reconciler: {
        isStillMay: (grant) => this.reconciler.isStillMay(grant),
        during: async (opening) => await this.reconciler.during(opening),
      },
      store,
      clock: SYSTEM_CLOCK,
      log,
      attempt,
    })
    const opener = this.fleet?.opener ?? onThisHost
    this.base = new BaseKeeping(log)
    const completed = ({ secret, ...by }: Opened): void =>
      redemptions.begin({ ...by, door: secret.door, proof: secret }, authenticators)
    this.knocks = new Knocks(config, {
      decided: (events) => {
        for (const event of events) log.event(event)
      },
      debug: args.debug,
      completed,
      inOrder: (doors) => authenticators.inOrder(doors),
    })
    const { gate } = this.knocks
    const journal = new JournalLedger(store)
    const isOfFleet = (door: string): boolean => authenticators.find(door)?.scope === 'fleet'
    const authenticators = new Authenticators(
      {
        gate,
        ledger: state.fleet?.ledger({ local: journal, store, log, clock: SYSTEM_CLOCK, isOfFleet }) ?? journal,
        store,
        marks,
        log,
        clock: SYSTEM_CLOCK,
        needsChanged: () => this.captures.updateSoon(),
        holdersChanged: () => this.reconciler.soon(),
        listFolder: listFolder(state.path),
        listening: listeningPorts,
      },
      {
        claimed: (claim, by) => redemptions.begin(claim, by),
        load: async () => (await import('../peer/packet-authenticators.ts')).makePacketAuthenticators,
      },
    )
    this.authenticators = authenticators
    this.reconciler = new Reconciler({
      marks,
      door: (name) => authenticators.find(name),
      judge: (held) => authenticators.mayHold(held),
      ofFleet: fleet === undefined ? undefined : (host) => memberOf(fleet)?.mayTell(host) ?? 'unknown',
      opener,
      log,
      nextExpiry: (now) => authenticators.nextExpiry(now),
    })
    const redemptions = new Redemptions({
      opener,
      reconciler: this.reconciler,
      log,
      now: steadyNow,
      whileSyncing: (work) => store.whileSyncing(() => void faults.attempt(work)),
      attempt,
    })
    this.captures = new Captures(config, {
      args,
      log,
      faults,
      interest: () => interestOf(authenticators.sequences(), authenticators.needs),
      packet: (packet, bytes, knock) => {
        if (authenticators.offer(packet, bytes) || (knock && this.knocks.take(packet))) observation.counters.knocked()
      },
      taken: () => {
        this.knocks.arm()
        return this.knocks.takeAdvanced()
      },
      local: (addresses) => {
        gate.setOwn(addresses)
        authenticators.setOwn(addresses, broadcastAddresses())
        this.guarding.ports.closeForwardsTo((address) => addresses.some((local) => sameAddress(local, address)))
      },
    })
    observation.counters.countPackets(() => this.captures.counts)
    const { counters, subscribers } = observation
    const inspected = {
      counters,
      gate,
      authenticators,
      guarding: this.guarding,
      opener,
      faults,
      store,
      state: state.path,
      fleet: state.fleet,
    }
    const memberOpenings = new MemberOpenings()
    const controlled = (): Controlled => {
      const { reconciler, captures } = this
      return { ...inspected, config: present(), interfaces: captures.interfaces, reconciler, log, memberOpenings }
    }
    this.operators = new Operators(
      socketPath(args.config, args.interfaces, runsAs.account !== undefined),
      controlled,
      log,
      subscribers,
    )
  }
}
