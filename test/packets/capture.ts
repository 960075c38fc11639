/** A frame to be written into a capture file. */
export interface Written {
  readonly time: bigint
  readonly bytes: readonly number[]
  readonly wireLength?: number
  readonly link?: number
}

type Order = 'little' | 'big'

class Bytes {
  readonly #order: Order
  readonly all: number[] = []

  constructor(order: Order) {
    this.#order = order
  }

  put(value: number | bigint, width: 2 | 4 | 8): this {
    const bytes = Array.from({ length: width }, (_, at) => Number((BigInt(value) >> BigInt(at * 8)) & 0xffn))
    this.all.push(...(this.#order === 'little' ? bytes : bytes.toReversed()))
    return this
  }

  add(bytes: readonly number[]): this {
    this.all.push(...bytes)
    return this
  }
}

/** A pcap file (pcap-savefile(5)). Times of frames are in its own unit since 1970. */
export function pcapFile(frames: readonly Written[], order: Order, unit: 'us' | 'ns', linkType: number): Uint8Array {
  const file = new Bytes(order)
    .put(unit === 'us' ? 0xa1b2c3d4 : 0xa1b23c4d, 4)
    .put(2, 2)
    .put(4, 2)
  file.put(0, 4).put(0, 4).put(262_144, 4).put(linkType, 4)
  const second = unit === 'us' ? 1_000_000n : 1_000_000_000n
  for (const { time, bytes, wireLength } of frames) {
    file
      .put(time / second, 4)
      .put(time % second, 4)
      .put(bytes.length, 4)
      .put(wireLength ?? bytes.length, 4)
      .add(bytes)
  }
  return Uint8Array.from(file.all)
}

/** A block of pcapng: type and length around a padded content. */
function block(order: Order, type: number, content: readonly number[]): readonly number[] {
  const padded = [...content, ...Array<number>((4 - (content.length % 4)) % 4).fill(0)]
  const length = padded.length + 12
  return new Bytes(order).put(type, 4).put(length, 4).add(padded).put(length, 4).all
}

/** An interface of a pcapng file. */
export interface WrittenInterface {
  readonly linkType: number
  /** The if_tsresol option's byte. */
  readonly resolution?: number
  /** The if_tsoffset option, seconds. */
  readonly offset?: bigint
}

/** A section of a pcapng file (draft-ietf-opsawg-pcapng), with a block of a kind nobody knows in it. */
export function pcapngSection(
  frames: readonly Written[],
  order: Order,
  interfaces: readonly WrittenInterface[],
  kind: 'enhanced' | 'simple' | 'old' = 'enhanced',
): Uint8Array {
  const head = new Bytes(order).put(0x1a2b3c4d, 4).put(1, 2).put(0, 2).put(0xffffffffffffffffn, 8)
  const all = [...block(order, 0x0a0d0d0a, head.all)]
  for (const { linkType, resolution, offset } of interfaces) {
    const content = new Bytes(order).put(linkType, 2).put(0, 2).put(0, 4)
    content.put(2, 2).put(3, 2).add([0x61, 0x62, 0x63, 0])
    if (resolution !== undefined) content.put(9, 2).put(1, 2).add([resolution, 0, 0, 0])
    if (offset !== undefined) content.put(14, 2).put(8, 2).put(offset, 8)
    content.put(0, 4)
    all.push(...block(order, 1, content.all))
  }
  all.push(...block(order, 0x40000bad, [1, 2, 3]))
  for (const { time, bytes, wireLength = bytes.length, link = 0 } of frames) {
    const content = new Bytes(order)
    if (kind === 'simple') content.put(wireLength, 4)
    else {
      if (kind === 'enhanced') content.put(link, 4)
      else content.put(link, 2).put(0xffff, 2)
      content
        .put(time >> 32n, 4)
        .put(time & 0xffffffffn, 4)
        .put(bytes.length, 4)
        .put(wireLength, 4)
    }
    const padding = Array<number>((4 - (bytes.length % 4)) % 4).fill(0)
    content.add(bytes).add(padding)
    if (kind !== 'simple') content.put(0, 4)
    all.push(...block(order, { enhanced: 6, simple: 3, old: 2 }[kind], content.all))
  }
  return Uint8Array.from(all)
}
