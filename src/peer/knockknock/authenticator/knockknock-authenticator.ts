import { createHash } from 'node:crypto'
import type { PacketNeeds } from '../../../capture/needs.ts'
import type { Door } from '../../../config/config.ts'
import type { Held } from '../../../door/held.ts'
import type { LogEvent } from '../../../log/event.ts'
import { formatAddress } from '../../../packet/address.ts'
import type { Address } from '../../../packet/address.ts'
import { ACK, RST, SYN, TCP } from '../../../packet/packet.ts'
import type { Packet } from '../../../packet/packet.ts'
import { arrivalOf } from '../../../secret/arrival.ts'
import type { Claim, Redeemed, Refusal, Verdict } from '../../../secret/authenticator.ts'
import { admits, servicesFor } from '../../../secret/door-bounds.ts'
import { PacketAuthenticator } from '../../../secret/packet-authenticator.ts'
import type { PacketProof, Reading } from '../../../secret/packet-authenticator.ts'
import type { PacketDoor } from '../../../secret/packet-door.ts'
import { lossRefusal } from '../../../secret/since-loss.ts'
import { noUser } from '../../../secret/vouched.ts'
import type { Bounded, Judged, Vouched } from '../../../secret/vouched.ts'
import { ExpectedSyns, PORTS_EXPECTED_MAX } from '../expected.ts'
import { COUNTER_WINDOW_DEFAULT } from '../syn.ts'
import type { Redemption } from '../../../state/ledger.ts'
import { haveSameKeys, profileFolders, readProfiles } from './profiles.ts'
import type { Profile } from './profiles.ts'

/** The usual port for the SYNs of a profile whose door has no Open_Ports. */
const PORT_USUAL = 22
/** Characters of the hash that distinguishes the keys of different profiles (132 bits). */
const PRINT_CHARS = 22

/** A SYN of a profile. */
export interface KnockknockProof extends PacketProof {
  readonly profile: Profile
  readonly counter: number
  /** The TCP port that the SYN asks for. */
  readonly asked: number
}

/** A profile at a door. */
interface Owner {
  readonly door: PacketDoor
  readonly profile: Profile
}

/** Authenticates the SYNs of knockknock. */
export class KnockknockAuthenticator extends PacketAuthenticator<readonly Profile[], KnockknockProof> {
  protected override readonly protocols = ['knockknock'] as const
  protected override readonly content = 'profiles'
  /** The SYNs that profiles may send next, by the port they are sent to. */
  #expected = new Map<number, ExpectedSyns<Owner>>()
  #owners: readonly Owner[] = []
  /** The newest counter of each owner when its SYNs were computed. */
  readonly #newest = new WeakMap<Owner, number>()
  /** End the news of knocks at other hosts. */
  #unfollow: readonly (() => void)[] = []

  override get packets(): PacketNeeds {
    return { datagrams: [], synPorts: [...this.#expected.keys()] }
  }

  override replace(doors: readonly Door[]): void {
    super.replace(doors)
    this.#expectAll()
  }

  protected override read(door: PacketDoor, before: readonly Profile[] = []): Reading<readonly Profile[]> {
    const profiles = readProfiles(door, before, this.deps.log)
    return { faults: [], state: () => profiles, left: () => profiles }
  }

  protected override changed(
    { name: door }: PacketDoor,
    profiles: readonly Profile[],
    before: readonly Profile[] = [],
  ): void {
    const { log, needsChanged, holdersChanged } = this.deps
    for (const profile of profiles) void this.#adopt(door, profile)
    this.#expectAll()
    needsChanged()
    holdersChanged()
    const names = new Set(profiles.map(({ name }) => name))
    for (const { name: user } of before) if (!names.has(user)) log.event({ kind: 'revoked', door, user })
  }

  protected override folders(path: string): readonly string[] {
    return profileFolders(path)
  }

  /** Lets a holder keep the door if a profile has the keys that opened it. */
  protected override judge(profiles: readonly Profile[], { holder, user }: Held): Verdict {
    if (holder === undefined && user === undefined) return 'unknown'
    const may = profiles.some((profile) =>
      holder === undefined ? profile.name === user : this.#markOf(profile) === holder,
    )
    return may ? 'may' : 'may not'
  }

  protected override expiries(profiles: readonly Profile[]): readonly undefined[] {
    return profiles.map(() => undefined)
  }

  /** Computes the SYNs that all current profiles may send next, now and after knocks at other hosts. */
  #expectAll(): void {
    this.#endNews()
    this.#expected = new Map()
    this.#owners = this.doors.flatMap(({ door, file }) => (file.state ?? []).map((profile) => ({ door, profile })))
    const { ledger } = this.deps
    for (const owner of this.#owners) this.#expect(owner, portsOf(owner.door))
    this.#unfollow = this.#owners.flatMap((owner) => {
      const end = ledger.follow?.(counterKey(owner.profile), owner.door.name, () => this.#follow(owner))
      return end === undefined ? [] : [end]
    })
  }

  #endNews(): void {
    for (const end of this.#unfollow) end()
    this.#unfollow = []
  }

  /** Computes the SYNs for the next counters of a profile and the likely ports. */
  #expect(owner: Owner, ports: Iterable<number>): void {
    const { keys, port, counter } = owner.profile
    // The journal's counter replaces the profile's if it is ahead.
    const newest = counterOf(this.deps.ledger.newest(counterKey(owner.profile), owner.door.name))
    this.#newest.set(owner, newest)
    const next = Math.max(counter, newest + 1)
    let expected = this.#expected.get(port)
    if (expected === undefined) {
      expected = new ExpectedSyns()
      this.#expected.set(port, expected)
    }
    expected.expect(owner, keys, next, COUNTER_WINDOW_DEFAULT, ports)
  }

  /** Computes the next SYNs of a profile that knocked at another host. Only so many counters ahead are expected. */
  #follow(owner: Owner): void {
    const newest = counterOf(this.deps.ledger.newest(counterKey(owner.profile), owner.door.name))
    if (newest !== this.#newest.get(owner)) this.#expect(owner, portsOf(owner.door))
  }

  override async close(): Promise<void> {
    this.#endNews()
    await super.close()
  }

  #markOf({ keys: { cipherKey, macKey } }: Profile): string {
    return this.deps.marks.mark('knockknock', cipherKey, macKey)
  }

  override offer(packet: Packet): boolean {
    if (packet.protocol !== TCP || packet.family !== 4 || (packet.flags & (SYN | ACK | RST)) !== SYN) return false
    const expected = this.#expected.get(packet.port)
    if (expected === undefined) return false
    const arrival = arrivalOf(packet)
    const { source } = arrival
    // A SYN that was not expected costs an HMAC for each profile and counter. Such SYNs have no key, or ask for an
    // unusual port.
    const found = expected.find(packet) ?? this.work.run(source, 'stranger', () => expected.search(packet))?.result
    if (found === undefined) return false
    const { door, profile } = found.owner
    // Nothing is used up after a loss, because new profiles begin with new counters.
    const forgotten = lossRefusal(door, this.deps.store, 0)
    if (forgotten === undefined) {
      const proof = { address: source, profile, counter: found.counter, asked: found.port }
      this.deps.claimed({ ...arrival, door: door.name, proof })
    } else {
      const what = `SYN of ${profile.name}`
      const event = troubleOf(source, door, what, forgotten)
      this.logRarely(source, event, `${door.name} ${profile.name}`, `${what}: ${forgotten}`)
    }
    return true
  }

  protected override async useUp({ door, proof }: Claim<KnockknockProof>): Promise<Redemption> {
    const { profile, counter, asked } = proof
    // The counter is used up even if the request is refused. Two SYNs with the same counter would reveal the texts of
    // both.
    const next = (present?: string): string | undefined => (counter > counterOf(present) ? String(counter) : undefined)
    const used = this.deps.ledger.advance(counterKey(profile), next, { door })
    // The counter is used up, durably or not. A SYN with it is no longer accepted.
    for (const each of this.#owners) if (haveSameKeys(each.profile, profile)) this.#expect(each, [asked])
    return await used
  }

  protected override grantBy(
    profiles: readonly Profile[],
    door: PacketDoor,
    { source, proof }: Claim<KnockknockProof>,
  ): Redeemed | undefined {
    const { asked: port } = proof
    const profile = profiles.find((each) => haveSameKeys(each, proof.profile))
    if (profile === undefined) return undefined
    const { name: user } = profile
    const services = door.opens.length === 0 ? undefined : servicesFor(door, [{ protocol: TCP, port }])
    const refuse = (what: string): Refusal => ({ refused: troubleOf(source, door, what) })
    if (door.opens.length > 0 && services === undefined) {
      return refuse(`${user} asks for tcp/${port}, which the door does not open`)
    }
    if (!admits(door, [source])) return refuse(`the address of ${user} is not in Allow_From`)
    const holder = this.#markOf(profile)
    return { door, source, ms: door.cmdTimeoutMs, services, user, holder, protocol: TCP, port }
  }

  protected override judgeVouched(profiles: readonly Profile[], bounded: Bounded, { user }: Vouched): Judged {
    const profile = profiles.find(({ name }) => name === user)
    return profile === undefined ? noUser(user) : { ...bounded, user, holder: this.#markOf(profile) }
  }

  /** Imports the counter that an earlier version stored under the names of door and profile. */
  async #adopt(door: string, profile: Profile): Promise<void> {
    const { ledger, store } = this.deps
    const named = `${COUNTER_KEY}${door}\n${profile.name}`
    const before = store.newest(named)
    if (before === undefined) return
    const next = (present?: string): string | undefined => (counterOf(before) > counterOf(present) ? before : undefined)
    const adopted = await ledger.advance(counterKey(profile), next, { door })
    // If this fails, the next start imports the counter again.
    if (adopted === 'won' || adopted === 'lost') await store.forget(named).catch(() => undefined)
  }
}

function troubleOf(source: Address, { name: door }: Door, what: string, cause?: string): LogEvent {
  return { kind: 'trouble', level: 'notice', source: formatAddress(source), door, what, cause }
}

/** Returns the ports that a door's profiles are likely to ask for. */
function portsOf({ opens }: Door): readonly number[] {
  if (opens.length === 0) return [PORT_USUAL]
  const ports: number[] = []
  for (const { host, protocol, first, last } of opens) {
    if (host !== undefined || protocol !== TCP) continue
    for (let port = first; port <= last && ports.length < PORTS_EXPECTED_MAX; port++) ports.push(port)
  }
  return ports
}

/** The prefix of the journal's keys for counters. */
const COUNTER_KEY = 'knockknock\n'

/**
 * Returns the journal's key for the counter of a profile. It is made from the profile's keys, because a SYN works for
 * any door with those keys. So nobody can replay it at another door or after a rename, and new keys begin with a new
 * counter.
 */
function counterKey({ keys: { cipherKey, macKey } }: Profile): string {
  const hash = createHash('sha256').update(cipherKey).update(macKey).digest('base64url')
  return `${COUNTER_KEY}${hash.slice(0, PRINT_CHARS)}`
}

/** Returns the last counter that was used, or -1. */
function counterOf(text: string | undefined): number {
  return text === undefined ? -1 : Number(text)
}
