import type { PacketNeeds } from '../capture/needs.ts'
import type { Config } from '../config/config.ts'
import type { Grant } from '../door/grant.ts'
import type { Held } from '../door/held.ts'
import type { Address } from '../packet/address.ts'
import type { Packet } from '../packet/packet.ts'
import type { CommandGranted } from './spa/fwknops.ts'
import type { SpaDoors, SpaTerms } from './spa/spa-doors.ts'
import type { HolderJudge, Verdict } from './verdict.ts'

/** The dependencies of single packets. */
export interface SinglePacketsDeps extends Omit<SpaTerms, 'open' | 'run'> {
  /** Called with each grant of a valid packet, which is durably used up. */
  readonly granted: (grant: Grant) => void
}

/** The authentication by single packets (SPA). It is loaded when the first config with such a door needs it. */
export class SinglePackets implements HolderJudge {
  readonly #deps: SinglePacketsDeps
  #doors: SpaDoors | undefined
  #own: readonly Address[] = []

  constructor(deps: SinglePacketsDeps) {
    this.#deps = deps
  }

  /** The traffic that has to be captured. */
  get needs(): PacketNeeds | undefined {
    return this.#doors?.needs
  }

  /** Loads the code if a door of the config needs it. @throws if it cannot be loaded */
  async load({ doors }: Config): Promise<void> {
    if (this.#doors !== undefined || !doors.some(({ secret }) => secret.kind === 'spa')) return
    const { SpaDoors: Loaded } = await import('./spa/spa-doors.ts')
    const { granted } = this.#deps
    const loaded: SpaDoors = new Loaded({
      ...this.#deps,
      open: granted,
      run: (commands) => granted(commandGrant(commands, loaded)),
    })
    this.#doors = loaded
    this.#doors.setOwn(this.#own)
  }

  /** Applies the doors of a config and reads their files. */
  replace(config: Config): void {
    this.#doors?.replace(config)
  }

  /** Sets the host's own addresses. */
  setOwn(addresses: readonly Address[]): void {
    this.#own = addresses
    this.#doors?.setOwn(addresses)
  }

  /** Handles a packet if it is a single packet. Otherwise returns false. */
  take(packet: Packet, bytes: Uint8Array): boolean {
    return this.#doors?.take(packet, bytes) === true
  }

  /** Returns the number of a door's users, or `undefined` if single packets do not open the door. */
  users(name: string): number | undefined {
    return this.#doors?.users(name)
  }

  mayHold(held: Held): Verdict {
    return this.#doors?.mayHold(held) ?? 'unknown'
  }

  /** Returns when the next key expires, in milliseconds since 1970. */
  nextExpiry(now: number): number {
    return this.#doors?.nextExpiry(now) ?? Infinity
  }

  close(): void {
    this.#doors?.close()
  }
}

/** Returns the grant for the command of a packet, or for the command cycle of its stanza. */
function commandGrant(granted: CommandGranted, { commandsFor }: Pick<SpaDoors, 'commandsFor'>): Grant {
  const { door, grant, user, claimedUser, holder, arrival } = granted
  const { ms, ...commands } = commandsFor(granted, Date.now())
  const asked = grant.kind === 'command' ? undefined : grant.ports
  const { protocol, port } = arrival
  return { door, source: grant.address, ms, commands, asked, user, claimedUser, holder, protocol, port }
}
