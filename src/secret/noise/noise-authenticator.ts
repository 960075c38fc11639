import type { PacketNeeds } from '../../capture/needs.ts'
import type { Door, Options } from '../../config/config.ts'
import type { Grant } from '../../door/grant.ts'
import type { Held } from '../../door/held.ts'
import { parseServices } from '../../door/part.ts'
import { FileError } from '../../file/file-error.ts'
import { PUBLIC, SECRET } from '../../file/policy.ts'
import { readPrivateText } from '../../file/private-file.ts'
import { WatchedFile } from '../../file/watched-file.ts'
import { parseAddress, sameAddress } from '../../packet/address.ts'
import type { Packet } from '../../packet/packet.ts'
import type { DatedClaim } from '../../spa/noise/claim.ts'
import { KEY_FILE_MAX_BYTES, readKeyFile } from '../../spa/noise/key-text.ts'
import { MAC1_BYTES, POSTERN_PACKET_BYTES, isForServer, openClaim, serverKeyOf } from '../../spa/noise/packet.ts'
import type { ServerKey } from '../../spa/noise/packet.ts'
import { permit, stillPermits } from '../../spa/noise/permission.ts'
import { USERS_FILE_MAX_CHARS, readUsers, usersLeft } from '../../spa/noise/users.ts'
import type { User, Users } from '../../spa/noise/users.ts'
import type { Redemption } from '../../state/ledger.ts'
import { arrivalOf, rejectedOf } from '../arrival.ts'
import type { Arrival } from '../arrival.ts'
import type { Claim, Verdict } from '../authenticator.ts'
import type { PacketDeps } from '../deps.ts'
import { admits, servicesFor, shortest } from '../door-bounds.ts'
import { KnownSources } from '../known-sources.ts'
import { PacketAuthenticator, withoutDigits } from '../packet-authenticator.ts'
import type { PacketProof, Reading } from '../packet-authenticator.ts'
import { packetDoors } from '../packet-door.ts'
import type { PacketDoor } from '../packet-door.ts'
import { lossRefusal } from '../since-loss.ts'
import type { WorkBudget } from '../work-budget.ts'

const SECOND_MS = 1_000
const PACKETS: PacketNeeds = { datagrams: [{ first: POSTERN_PACKET_BYTES, last: POSTERN_PACKET_BYTES }], synPorts: [] }

/** A packet of Postern's own that a user's key opened. */
export interface NoiseProof extends PacketProof {
  readonly publicKey: Uint8Array
  readonly request: DatedClaim
  /** The time of its arrival, in milliseconds since 1970. */
  readonly at: number
}

/** A user with a known key at a door. */
interface Holder {
  readonly door: PacketDoor
  readonly user: User
}

/** Authenticates Postern's own single packets. */
export class NoiseAuthenticator extends PacketAuthenticator<Users, NoiseProof> {
  protected override readonly protocols = ['postern'] as const
  protected override readonly packets = PACKETS
  protected override readonly content = 'users'
  readonly #known: KnownSources
  #server: ServerKey | undefined
  #serverFile: { readonly path: string; readonly file: WatchedFile<ServerKey> } | undefined
  /** The users by the marks of their keys, for each state of a file. */
  readonly #marked = new WeakMap<Users, ReadonlyMap<string, User>>()

  constructor(deps: PacketDeps<NoiseProof>, work: WorkBudget) {
    super(deps, work)
    this.#known = new KnownSources('postern', deps.store, work)
  }

  override replace(doors: readonly Door[], options: Pick<Options, 'spaKeyFile'>): void {
    this.#serverFile?.file.close()
    if (packetDoors(doors, this.protocols).length > 0) this.#takeKey(options.spaKeyFile)
    super.replace(doors, options)
  }

  override files(): readonly string[] {
    return [...(this.doors.length > 0 ? [this.#serverFile!.path] : []), ...super.files()]
  }

  override async close(): Promise<void> {
    this.#serverFile?.file.close()
    await super.close()
  }

  /** @throws FileError */
  protected override read({ secret }: PacketDoor): Reading<Users> {
    const text = readPrivateText(secret.path, USERS_FILE_MAX_CHARS, PUBLIC)
    const reading = readUsers(text)
    const { users, faults } = reading
    return { faults, state: () => users, left: (before) => usersLeft(before, text, reading) }
  }

  protected override changed({ name }: PacketDoor, users: Users, before: Users | undefined): void {
    const { log, holdersChanged } = this.deps
    for (const user of before ?? []) {
      if (users.find(user.publicKey) === undefined) log.event({ kind: 'revoked', door: name, user: user.name })
    }
    holdersChanged()
  }

  /** Lets a holder keep the door if the file has the key, within the limits of the key's line. */
  protected override judge(users: Users, { door, source, services, holder, user: named }: Held): Verdict {
    const user = holder === undefined ? [...users].find((each) => each.name === named) : this.#byMark(users).get(holder)
    if (user === undefined) return holder === undefined && named === undefined ? 'unknown' : 'may not'
    const ports = services === undefined ? undefined : parseServices(services)
    const address = parseAddress(source)!
    return stillPermits(user, { door, ports, address, now: this.deps.clock.now() }) ? 'may' : 'may not'
  }

  protected override expiries(users: Users): readonly (number | undefined)[] {
    return Array.from(users, ({ options }) => options.expiresMs)
  }

  #byMark(users: Users): ReadonlyMap<string, User> {
    let marked = this.#marked.get(users)
    if (marked === undefined) {
      marked = new Map([...users].map((user) => [this.#markOf(user), user]))
      this.#marked.set(users, marked)
    }
    return marked
  }

  #markOf({ publicKey }: User): string {
    return this.deps.marks.mark('postern', publicKey)
  }

  /** Loads and watches the server's key. If the file cannot be read, its last valid key stays. */
  #takeKey(path: string): void {
    if (this.#serverFile?.path !== path) this.#server = undefined
    const file = new WatchedFile<ServerKey>({
      path,
      before: this.#server,
      read: () => readServerKey(path),
      changed: (key) => {
        this.#server = key
      },
      failed: (error) => {
        const missing = error instanceof FileError && error.reason === 'missing'
        this.deps.log.notice('error', `${error.message}${missing ? '\npostern keygen server makes one' : ''}`)
      },
      unwatched: (error) => this.sayUnwatched(path, error),
      isReadOnce: this.deps.isReadOnly,
    })
    this.#serverFile = { path, file }
    file.refresh()
  }

  override offer(packet: Packet, bytes: Uint8Array): boolean {
    const server = this.#server
    const payload = this.payloadOf(packet, bytes)
    if (server === undefined || payload === undefined || !isForServer(server, payload)) return false
    const arrival = arrivalOf(packet)
    const { source } = arrival
    const outer = Buffer.from(payload.buffer, payload.byteOffset, MAC1_BYTES).toString('latin1')
    if (this.seen.has(outer)) {
      this.explain(source, 'single packet: a copy of an earlier one')
      return true
    }
    // Only senders who know the server's public key get here. Public-key work takes a tenth of a millisecond.
    const done = this.work.run(source, 'itself', () => openClaim(server, payload, (key) => this.#holders(key)))
    if (done === undefined) {
      this.explain(source, 'too many single packets from there at the moment')
      return true
    }
    const opened = done.result
    if (!('mismatch' in opened)) this.seen.set(outer, true)
    if ('mismatch' in opened) {
      this.explain(source, `single packet: ${opened.mismatch}`)
    } else if ('fault' in opened) {
      this.#reject(opened.user[0]!.user, arrival, `a packet for another version: ${opened.fault}`)
    } else this.#judge(opened.user, opened.claim, arrival)
    return true
  }

  #holders(key: Uint8Array): readonly Holder[] | undefined {
    const holders = this.doors.flatMap(({ door, file }) => {
      const user = file.state?.find(key)
      return user === undefined ? [] : [{ door, user }]
    })
    return holders.length === 0 ? undefined : holders
  }

  #judge(holders: readonly Holder[], request: DatedClaim, arrival: Arrival): void {
    const { user } = holders[0]!
    const { publicKey } = user
    const { ledger, claimed } = this.deps
    if (!isNewer(request.timestamp, ledger.newest(newestKey(publicKey)))) {
      this.explain(arrival.source, `single packet of ${user.name}: a replay, or older than the last one`)
      return
    }
    const { wanted } = request
    const proof = { address: request.address ?? arrival.source, publicKey, request, at: this.deps.clock.now() }
    let refusal = wanted.kind === 'door' ? `there is no door ${wanted.door} for this key` : 'no door opens these ports'
    let refusing: string | undefined
    for (const holder of holders) {
      const { door } = holder
      const claim = { ...arrival, door: door.name, proof }
      const granted = this.#grant(holder, claim)
      if (granted === undefined) continue
      if ('door' in granted) {
        claimed({ ...claim, likely: granted })
        return
      }
      ;({ refusal } = granted)
      refusing = door.name
    }
    this.#reject(user, arrival, refusal, refusing)
  }

  /** Returns what a user's line and the door grant. `undefined`: the packet asks for another door. */
  #grant(
    { door, user }: Holder,
    { source, protocol, port, proof: { request, at } }: Claim<NoiseProof>,
  ): Grant | { readonly refusal: string } | undefined {
    const { wanted } = request
    const services = wanted.kind === 'ports' ? servicesFor(door, wanted.ports) : undefined
    if (wanted.kind === 'ports' ? services === undefined : wanted.door !== door.name) return undefined
    const permission = permit(user, request, { source, now: at, ageMaxMs: door.secret.maxAgeMs })
    if ('refusal' in permission) return permission
    const { address, openS, openMaxS } = permission
    if (!admits(door, [source, address])) return { refusal: 'the address is not in Allow_From' }
    const forgotten = lossRefusal(door, this.deps.store, request.unixMs)
    if (forgotten !== undefined) return { refusal: forgotten }
    const ms = shortest(door.cmdTimeoutMs, openS * SECOND_MS, (openMaxS ?? 0) * SECOND_MS)
    const holder = this.#markOf(user)
    return { door, source: address, ms, services, user: user.name, holder, protocol, port }
  }

  protected override async useUp({ publicKey, request: { timestamp } }: NoiseProof): Promise<Redemption> {
    return await this.deps.ledger.advance(newestKey(publicKey), (present) =>
      isNewer(timestamp, present) ? timestamp : undefined,
    )
  }

  protected override grantBy(users: Users, door: PacketDoor, claim: Claim<NoiseProof>): Grant | undefined {
    const user = users.find(claim.proof.publicKey)
    const granted = user === undefined ? undefined : this.#grant({ door, user }, claim)
    if (granted === undefined || 'refusal' in granted) return undefined
    if (sameAddress(granted.source, claim.source)) this.#known.opened(claim.source, 'yes')
    return granted
  }

  /** Logs that a packet of a known user was rejected. */
  #reject({ name: user }: User, arrival: Arrival, reason: string, door?: string): void {
    const packet = 'single packet'
    const what = `${door === undefined ? '' : `${door}: `}${reason}`
    const event = rejectedOf(arrival, { packet, user, door, reason })
    this.logRarely(arrival.source, event, withoutDigits(`${user} ${what}`), `${packet} of ${user}: ${what}`)
  }
}

/** @throws FileError, or an Error with the fault of the key */
function readServerKey(path: string): ServerKey {
  const read = readKeyFile(readPrivateText(path, KEY_FILE_MAX_BYTES, SECRET), 'postern-server-secret')
  if ('message' in read) throw new Error(`${path}: ${read.message}\n${read.hint}`)
  return serverKeyOf(read.value)
}

/**
 * Returns the journal's key for the time of a user's newest packet. All doors share it, so that no packet works twice.
 */
function newestKey(publicKey: Uint8Array): string {
  return `spa\n${Buffer.from(publicKey).toString('base64url')}`
}

/** Returns true if a timestamp is newer. Timestamps sort like text. */
function isNewer(timestamp: string, present: string | undefined): boolean {
  return present === undefined || timestamp > present
}
