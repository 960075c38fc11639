import { rmSync } from 'node:fs'
import { createKeyFile } from '../keygen/key-file.ts'
import { targetOf } from '../target-file.ts'
import type { Card } from './card.ts'
import { formatOf, pictureFor } from './picture.ts'

/** The most pictures of a user: one for each file and program. */
const IMAGES_MAX = 64
const HINTS = {
  EEXIST: 'a picture is never overwritten: move it away, or name another: --image FILE',
  ENOENT: 'make its folder first, or name another file: --image FILE',
  EACCES: 'name a file that you may write: --image FILE',
} as const

/** A picture that was written, and the card that it shows. */
interface Image {
  readonly path: string
  readonly card: Card
}

/** The pictures of QR codes in files that only their owner can read. */
export class Images {
  readonly #file: string | undefined
  #made: readonly Image[] = []

  /** @param file the name that was asked for; `undefined`: no pictures are written */
  constructor(file: string | undefined) {
    this.#file = file
  }

  get paths(): readonly string[] {
    return this.#made.map(({ path }) => path)
  }

  /**
   * Writes the pictures of cards, all or none, in place of those written before. One card has the file's own name, and
   * several have names of their own, as in `alice-app.png`. Nobody else can put other pictures in their place.
   *
   * @throws Failure if one cannot be created; an existing file is never overwritten
   */
  async write(cards: readonly Card[]): Promise<void> {
    this.discard()
    const shown = cards.filter(({ code }) => code !== undefined).slice(0, IMAGES_MAX)
    for (const [index, card] of shown.entries()) {
      if (this.#file === undefined) return
      const name = shown.length === 1 ? this.#file : pathFor(this.#file, shown, index)
      try {
        const path = targetOf(name)
        await createKeyFile(path, await pictureFor(path, card.code!), undefined, HINTS)
        this.#made = [...this.#made, { path, card }]
      } catch (error) {
        this.discard()
        throw error
      }
    }
  }

  /** Removes the pictures that {@link write} made: their secrets are in force nowhere. */
  discard(): void {
    for (const { path } of this.#made) rmSync(path, { force: true })
    this.#made = []
  }

  /** Says which file has the picture of a card, for the words beside it. */
  notes({ name, lines }: Card): readonly string[] {
    const made = this.#made.find(({ card }) => card.name === name && card.lines[0] === lines[0])
    return made === undefined ? [] : [`also in ${made.path}`]
  }

  /** Names the pictures, and the person or program of each. */
  text(): string {
    return this.#made.map(({ path, card }) => `${path} has the QR code ${card.heading}\n`).join('')
  }
}

function pathFor(file: string, cards: readonly Card[], index: number): string {
  const { name } = cards[index]!
  const alike = cards.filter((card) => card.name === name)
  const end = formatOf(file)
  const number = alike.length === 1 ? '' : `-${alike.indexOf(cards[index]!) + 1}`
  return `${file.slice(0, -end.length)}-${name}${number}${end}`
}
