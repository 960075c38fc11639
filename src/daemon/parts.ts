import { interestOf } from '../capture/interest.ts'
import type { Config } from '../config/config.ts'
import { socketPath } from '../control/socket.ts'
import { CommandRunner } from '../door/command.ts'
import { CommandOpener } from '../door/command-opener.ts'
import { DoorOpener } from '../door/door-opener.ts'
import type { Opened } from '../gate/effect.ts'
import { listeningPorts } from '../host/listening.ts'
import { sameAddress } from '../packet/address.ts'
import { TCP, UDP } from '../packet/packet.ts'
import { Redemptions } from '../secret/redemptions.ts'
import { Clocks } from '../state/boot-clock.ts'
import type { HolderMarks } from '../state/holder-marks.ts'
import type { Store } from '../state/store.ts'
import type { Arguments } from './arguments.ts'
import { BaseKeeping } from './base-keeping.ts'
import { Captures } from './captures.ts'
import type { Controlled } from './control.ts'
import { Doors } from './doors.ts'
import { Faults } from './faults.ts'
import { Guarding } from './guarding.ts'
import { Knocks } from './knocks.ts'
import type { Log } from './log/log.ts'
import { MemberOpenings } from './member.ts'
import { Operators } from './operators.ts'
import { Reconciler } from './reconcile.ts'
import { redeem } from './redeem.ts'
import type { Proof } from './redeem.ts'
import { SinglePackets } from './single-packets.ts'
import { listFolder } from './state-path.ts'

/** The daemon's state on disk. */
export interface State {
  /** The path of the journal. */
  readonly path: string
  readonly store: Store
  readonly marks: HolderMarks
}

/** The parts of the daemon, connected with each other. None has begun to work. */
export class Parts {
  readonly faults: Faults
  readonly runner = new CommandRunner()
  readonly knocks: Knocks
  readonly doors: Doors
  readonly packets: SinglePackets
  readonly guarding: Guarding
  readonly commands: CommandOpener
  readonly base: BaseKeeping
  readonly reconciler: Reconciler
  readonly operators: Operators
  readonly captures: Captures

  /** @param present returns the config in force */
  constructor(args: Arguments, present: () => Config, log: Log, state: State) {
    const config = present()
    const { store, marks } = state
    const say = (level: Parameters<Log['notice']>[0], text: string): void => log.notice(level, text)
    const faults = new Faults((text) => say('error', text))
    this.faults = faults
    const timed = { store, clocks: new Clocks(), log }
    this.guarding = new Guarding(timed)
    this.commands = new CommandOpener({ ...timed, runner: this.runner })
    const opener = new DoorOpener(this.guarding.ports, this.commands)
    this.base = new BaseKeeping(log)
    const completed = ({ secret, ...by }: Opened): void =>
      redemptions.begin({ ...by, door: secret.door, proof: secret })
    this.knocks = new Knocks(config, { log, debug: args.debug, completed })
    const { gate } = this.knocks
    const holdersChanged = (): void => this.reconciler.soon()
    const needsChanged = (): void => this.captures.updateSoon()
    const common = { store, marks, say, holdersChanged }
    const doors = new Doors({ ...common, gate, listFolder: listFolder(state.path), busy, changed: needsChanged })
    this.doors = doors
    const packets = new SinglePackets({
      ...common,
      needsChanged,
      explain: (source, door, reason) => log.explain(source, door, reason, {}),
      granted: (grant) => redemptions.begin({ ...grant, door: grant.door.name, proof: grant }),
    })
    this.packets = packets
    this.reconciler = new Reconciler({
      marks,
      door: (name) => doors.find(name),
      judge: ({ secret }) => (secret.kind === 'spa' ? packets.doors : doors),
      opener,
      say,
      nextExpiry: (now) => packets.doors?.nextExpiry(now) ?? Infinity,
    })
    const redemptions = new Redemptions<Proof>({
      redeem: async (claim) => await redeem(claim, doors),
      opener,
      reconciler: this.reconciler,
      opened: ({ source, door, user, claimedUser }) => log.open(source, door.name, user, claimedUser),
      say,
      attempt: async (work) => await faults.attempt(work),
    })
    this.captures = new Captures(config, {
      args,
      log,
      faults,
      interest: () => interestOf(doors.secrets(), packets.doors?.needs),
      packet: (packet, bytes, knock) => {
        if (packets.doors?.take(packet, bytes) !== true && knock) this.knocks.take(packet)
      },
      taken: () => this.knocks.arm(),
      local: (addresses) => {
        gate.setOwn(addresses)
        packets.setOwn(addresses)
        this.guarding.ports.closeForwardsTo((address) => addresses.some((local) => sameAddress(local, address)))
      },
    })
    const inspected = { gate, doors, packets, guarding: this.guarding, opener, faults, store, state: state.path }
    const memberOpenings = new MemberOpenings()
    const controlled = (): Controlled => {
      return { ...inspected, config: present(), interfaces: this.captures.interfaces, log, memberOpenings }
    }
    this.operators = new Operators(socketPath(args.config, args.interfaces), controlled, log)
  }
}

/** Returns the ports with a listening socket. */
function busy(): ReadonlySet<number> {
  const listening = listeningPorts()
  return new Set([...listening[TCP], ...listening[UDP]])
}
