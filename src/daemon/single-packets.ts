import type { Config } from '../config/config.ts'
import type { Grant } from '../door/grant.ts'
import type { Address } from '../packet/address.ts'
import type { CommandGranted } from './spa/fwknops.ts'
import type { SpaDoors, SpaTerms } from './spa/spa-doors.ts'

/** The dependencies of single packets. */
export interface SinglePacketsDeps extends Omit<SpaTerms, 'open' | 'run'> {
  /** Called with each grant of a valid packet, which is durably used up. */
  readonly granted: (grant: Grant) => void
}

/** The authentication by single packets (SPA). It is loaded when the first config with such a door needs it. */
export class SinglePackets {
  readonly #deps: SinglePacketsDeps
  #doors: SpaDoors | undefined
  #own: readonly Address[] = []

  constructor(deps: SinglePacketsDeps) {
    this.#deps = deps
  }

  /** The doors that single packets open; `undefined` until they are loaded. */
  get doors(): SpaDoors | undefined {
    return this.#doors
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
    loaded.setOwn(this.#own)
    this.#doors = loaded
  }

  /** Sets the host's addresses. */
  setOwn(addresses: readonly Address[]): void {
    this.#own = addresses
    this.#doors?.setOwn(addresses)
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
