import type { PacketNeeds } from '../../capture/needs.ts'
import { SPA_MAX_AGE_DEFAULT_MS } from '../../config/config.ts'
import type { Door, Options } from '../../config/config.ts'
import type { UsersInForce } from '../../control/message.ts'
import type { Grant } from '../../door/grant.ts'
import type { Held } from '../../door/held.ts'
import { parseServices } from '../../door/part.ts'
import { FileError } from '../../file/file-error.ts'
import { PUBLIC, SECRET } from '../../file/policy.ts'
import { readPrivateText } from '../../file/private-file.ts'
import { WatchedFile } from '../../file/watched-file.ts'
import { parseAddress } from '../../packet/address.ts'
import { UDP, sourceOf } from '../../packet/packet.ts'
import type { Packet } from '../../packet/packet.ts'
import type { DatedClaim } from '../../spa/noise/claim.ts'
import { KEY_FILE_MAX_BYTES, readKeyFile } from '../../spa/noise/key-text.ts'
import { sameBytes } from '../../spa/bytes.ts'
import { KEY_BYTES, keyPairOf } from '../../spa/noise/curve.ts'
import type { KeyPair } from '../../spa/noise/curve.ts'
import { POSTERN_PACKET_BYTES, openClaim } from '../../spa/noise/packet.ts'
import { partPermitted, permit, stillPermits } from '../../spa/noise/permission.ts'
import { USER_TAG_BYTES, hasMinute } from '../../spa/noise/tag.ts'
import { readTimestamp } from '../../spa/noise/timestamp.ts'
import { USERS_FILE_MAX_CHARS, readUsers, usersLeft } from '../../spa/noise/users.ts'
import type { User, Users } from '../../spa/noise/users.ts'
import type { Redemption } from '../../state/ledger.ts'
import { arrivalOf, rejectedOf } from '../arrival.ts'
import type { Arrival } from '../arrival.ts'
import type { Claim, Verdict } from '../authenticator.ts'
import { admits, servicesFor, shortest } from '../door-bounds.ts'
import { PacketAuthenticator, withoutDigits } from '../packet-authenticator.ts'
import type { PacketProof, Reading } from '../packet-authenticator.ts'
import { packetDoors } from '../packet-door.ts'
import type { PacketDoor } from '../packet-door.ts'
import { lossRefusal } from '../since-loss.ts'
import { noUser } from '../vouched.ts'
import type { Bounded, Judged, Vouched } from '../vouched.ts'
import { Allowances } from './allowances.ts'
import { UserTags } from './user-tags.ts'
import type { NeededTags } from './user-tags.ts'

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
  readonly #tags = new UserTags(this.deps.clock, (key) => this.deps.ledger.newest(newestKey(key)) !== undefined)
  readonly #allowances = new Allowances()
  #server: KeyPair | undefined
  #serverFile: { readonly path: string; readonly file: WatchedFile<KeyPair> } | undefined
  /** True while several files are read. Their tags are renewed once, afterwards. */
  #isReplacing = false
  /** The users by the marks of their keys, for each state of a file. */
  readonly #marked = new WeakMap<Users, ReadonlyMap<string, User>>()

  override replace(doors: readonly Door[], options: Pick<Options, 'spaKeyFile'>): void {
    this.#serverFile?.file.close()
    this.#isReplacing = true
    if (packetDoors(doors, this.protocols).length > 0) this.#takeKey(options.spaKeyFile)
    super.replace(doors, options)
    this.#isReplacing = false
    this.#renewTags()
  }

  override refresh(folder: string): void {
    this.#isReplacing = true
    super.refresh(folder)
    this.#isReplacing = false
    this.#renewTags()
  }

  override files(): readonly string[] {
    return [...(this.doors.length > 0 ? [this.#serverFile!.path] : []), ...super.files()]
  }

  readUsers(door: string): UsersInForce | undefined {
    const there = this.find(door)
    if (there === undefined) return undefined
    const { door: of, file } = there
    file.refresh()
    const users = Array.from(file.state ?? [], ({ name, publicKey }) => {
      const newest = this.deps.ledger.newest(newestKey(publicKey), door)
      return { name, lastUsedMs: readTimestamp(Buffer.from(newest ?? '', 'hex'))?.unixMs }
    })
    return { file: of.secret.path, fault: file.failure?.message, users }
  }

  override async close(): Promise<void> {
    this.#serverFile?.file.close()
    this.#tags.close()
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
    this.#renewTags()
    for (const [key, user] of before?.entries() ?? []) {
      if (!users.has(key)) log.event({ kind: 'revoked', door: name, user: user.name })
    }
    holdersChanged()
  }

  /** Has the tags of all users made, and those of former users removed. A user of several doors has those of each. */
  #renewTags(): void {
    if (this.#isReplacing) return
    const needed = new Map<string, NeededTags>()
    for (const { door, file } of this.doors) {
      const { maxAgeMs } = door.secret
      const withMinute = hasMinute(maxAgeMs)
      // Most clients do not set SPA_Max_Age, so that their tags contain a minute even if the door accepts any age.
      const ageMs = withMinute ? maxAgeMs : SPA_MAX_AGE_DEFAULT_MS
      for (const [key, { publicKey }] of file.state?.entries() ?? []) {
        const other = needed.get(key)
        needed.set(key, {
          publicKey,
          ageMs: Math.max(ageMs, other?.ageMs ?? 0),
          withoutMinute: !withMinute || other?.withoutMinute === true,
        })
      }
    }
    this.#tags.replace(this.#server, needed)
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
    const file = new WatchedFile<KeyPair>({
      path,
      before: this.#server,
      read: () => readServerKey(path),
      changed: (key) => {
        this.#server = key
        this.#renewTags()
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
    const { protocol, payloadStart, payloadEnd, time } = packet
    if (protocol !== UDP || payloadEnd - payloadStart !== POSTERN_PACKET_BYTES) return false
    const owner = this.#tags.find(bytes, payloadStart)
    const server = this.#server
    if (owner === undefined || server === undefined) return false
    // Only users get here, and anyone who has seen one of their packets in the last minutes.
    if (!this.#allowances.has(owner, time)) {
      this.explain(sourceOf(packet), 'too many single packets with the tag of this user at the moment')
      return true
    }
    const arrival = arrivalOf(packet)
    const { source } = arrival
    const payload = bytes.subarray(payloadStart, payloadEnd)
    const { buffer, byteOffset } = payload
    const ephemeral = Buffer.from(buffer, byteOffset + USER_TAG_BYTES, KEY_BYTES).toString('latin1')
    if (this.seen.has(ephemeral)) {
      this.explainReplay(source, 'single packet: a copy of an earlier one')
      return true
    }
    this.#allowances.spend(owner, time)
    const find = (key: Uint8Array): readonly Holder[] | undefined =>
      sameBytes(key, owner.publicKey) ? this.#holders(key) : undefined
    const opened = openClaim(server, payload, find, owner.secret)
    if ('mismatch' in opened) {
      const { mismatch } = opened
      this.explain(source, `single packet: ${mismatch === 'forged' ? mismatch : 'the tag is that of another user'}`)
      return true
    }
    this.seen.set(ephemeral, true)
    if ('fault' in opened) {
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
      this.explainReplay(arrival.source, `single packet of ${user.name}: a replay, or older than the last one`)
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

  protected override async useUp({ door, proof }: Claim<NoiseProof>): Promise<Redemption> {
    const { publicKey, request } = proof
    const { timestamp } = request
    const next = (present?: string): string | undefined => (isNewer(timestamp, present) ? timestamp : undefined)
    return await this.deps.ledger.advance(newestKey(publicKey), next, { door })
  }

  protected override grantBy(users: Users, door: PacketDoor, claim: Claim<NoiseProof>): Grant | undefined {
    const user = users.find(claim.proof.publicKey)
    const granted = user === undefined ? undefined : this.#grant({ door, user }, claim)
    if (granted === undefined || 'refusal' in granted) return undefined
    return granted
  }

  /** Judges by the lines of a user's name: each of them is another key. */
  protected override judgeVouched(users: Users, bounded: Bounded, { user: name }: Vouched): Judged {
    let refused: Judged | undefined
    for (const user of users) {
      if (user.name !== name) continue
      const { door, source: address, services: wanted } = bounded
      const part = partPermitted(user, { door: door.name, address, now: this.deps.clock.now() }, wanted, door.opens)
      if ('refusal' in part) refused ??= part
      else {
        const ms = shortest(bounded.ms, (user.options.openForS ?? 0) * SECOND_MS)
        return { ...bounded, ms, services: part.services, user: name, holder: this.#markOf(user) }
      }
    }
    return refused ?? noUser(name)
  }

  /** Logs that a packet of a known user was rejected. */
  #reject({ name: user }: User, arrival: Arrival, reason: string, door?: string): void {
    const packet = 'single packet'
    const what = `${door === undefined ? '' : `${door}: `}${reason}`
    const event = rejectedOf(arrival, { packet, user, door, reason })
    this.logRarely(arrival.source, event, withoutDigits(`${user} ${what}`), `${packet} of ${user}: ${what}`)
  }
}

/** Reads the server's key from its file. @throws FileError, or an Error with the fault of the key */
export function readServerKey(path: string): KeyPair {
  const read = readKeyFile(readPrivateText(path, KEY_FILE_MAX_BYTES, SECRET), 'postern-server-secret')
  if ('message' in read) throw new Error(`${path}: ${read.message}\n${read.hint}`)
  return keyPairOf(read.value)
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
