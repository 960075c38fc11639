import type { Config } from '../../config/config.ts'
import { settle, unchecked } from '../card/app-check.ts'
import { cardText, plainCard } from '../card/card.ts'
import type { Card } from '../card/card.ts'
import { codeDoor } from '../card/code-door.ts'
import type { Images } from '../card/images.ts'
import type { Viewer } from '../card/viewer.ts'
import type { AddArguments } from './arguments.ts'
import { appCard, cardsOf, usageOf } from './enrolment.ts'
import type { Enrolment, For } from './enrolment.ts'
import type { Surroundings } from './surroundings.ts'

/** The secrets of a user before they are written, and how they are shown. */
export interface Look {
  readonly asked: AddArguments
  readonly config: Config
  readonly to: For
  readonly here: Surroundings
  readonly images: Images
}

/** Returns all cards of a user. */
export function allCards(enrolments: readonly Enrolment[], to: For, { page }: AddArguments): readonly Card[] {
  return enrolments.flatMap((each) => cardsOf(each, to, page))
}

/**
 * Shows the secrets to somebody at a terminal, one at a time, those for apps first: their codes are compared.
 *
 * @returns the secrets as the apps have them, and what to say about that
 * @throws Failure if codes are wrong, a picture cannot be written, or the person stops
 */
export async function look(
  made: readonly Enrolment[],
  viewer: Viewer,
  { asked, config, to, here, images }: Look,
): Promise<{ readonly enrolments: readonly Enrolment[]; readonly text: string }> {
  const seen = (card: Card): Card => (asked['no-qr'] ? plainCard(card) : card)
  const enrolments: Enrolment[] = []
  let text = ''
  for (const enrolment of made) {
    if (enrolment.kind !== 'totp') {
      enrolments.push(enrolment)
      continue
    }
    const card = appCard(enrolment, to)
    const settled = await settle(
      {
        secret: enrolment.secret,
        card: seen(card),
        notes: images.notes(card),
        isChecked: !asked['no-check'],
        door: codeDoor(enrolment.doors[0]!.name, config, here.listening),
      },
      viewer,
    )
    enrolments.push({ ...enrolment, secret: settled.secret })
    text += settled.text
  }
  const cards = allCards(enrolments, to, asked)
  await images.write(cards)
  for (const card of cards) if (card.name !== 'app') await viewer.show(seen(card), images.notes(card))
  return { enrolments, text }
}

/** Returns the secrets as text, for a pipe or a file, and how to knock with them. */
export async function textOf(enrolment: Enrolment, { asked, to, here }: Look): Promise<string> {
  const shown = { qr: !asked['no-qr'], terminal: here.terminal }
  const texts = await Promise.all(cardsOf(enrolment, to, asked.page).map((card) => cardText(card, shown)))
  const warning = enrolment.kind === 'totp' ? unchecked(enrolment.secret).text : ''
  return `${texts.join('')}${warning === '' ? '' : `${warning}\n`}${usageOf(enrolment, to)}`
}
