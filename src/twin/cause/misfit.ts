import type { CommandText } from '../../lint/placed-door.ts'
import { bypassOf } from './bypass.ts'
import type { Bypass } from './bypass.ts'
import type { Observation } from '../observation.ts'
import { publishedIn } from './published.ts'
import { ruleLines } from '../rules.ts'
import type { RuleLine } from '../rules.ts'
import { placeName, placeOf, portNames, quoteRule, wordsAt } from './explanation.ts'
import type { Context, Explanation } from './explanation.ts'

/** Explains why no packet matched the rule of a start command; `undefined` if some did, or the reason is unknown. */
export function explainUnmatched(
  rule: RuleLine,
  observation: Observation,
  start: CommandText | undefined,
  context: Context,
): Explanation | undefined {
  const { culprit, rulesOpen, passed, source = '' } = observation
  if (culprit === undefined || rulesOpen === undefined) return undefined
  const bypass = bypassOf(rule, culprit, rulesOpen, passed, observation.ports[0]!)
  if (bypass === undefined) return undefined
  const own = quoteRule(rule.text.replaceAll(source, '%IP%'))
  const begun = `${portNames(observation)} stays shut: no packet comes to the rule of the start command, ${own} in ${rule.where}`
  const { chain } = bypass
  const at = placeName({ where: chain.where, chain: chain.name })
  const text = 'rule' in bypass ? quoteRule(bypass.rule) : ''
  switch (bypass.kind) {
    case 'ahead':
      return {
        ...placeOf(start),
        message: `${begun}: ${text} comes first in ${at}`,
        hint: `let the door insert its rule ahead of that one, into chain ${chain.name}`,
      }
    case 'unused':
      return {
        ...placeOf(start),
        message: `${begun}: nothing jumps to ${at}`,
        hint: hintOfChain(chain.where === culprit.where ? culprit.chain : `${culprit.chain} of ${culprit.where}`),
      }
    case 'hook':
      return {
        ...placeOf(start),
        message: `${begun}: they do not pass ${at}, but ${placeName(culprit)}, where ${quoteRule(culprit.rule)} takes them`,
        hint: hintOfChain(culprit.chain),
      }
    case 'misfit':
      return explainMisfit(bypass, rule, observation, start, context)
    default:
      return bypass satisfies never
  }
}

function hintOfChain(chain: string): string {
  return `let the door insert its rule into chain ${chain}, ahead of what takes the packets`
}

/** Explains the word of a rule because of which packets do not match. */
function explainMisfit(
  { rule: met, chain }: Bypass & { kind: 'misfit' },
  { where, text }: RuleLine,
  observation: Observation,
  start: CommandText | undefined,
  { watched }: Context,
): Explanation | undefined {
  const { source = '' } = observation
  const ports = portNames(observation)
  if (met !== text) {
    const message = `${ports} stays shut: no packet comes to the rule of the start command: only those of ${quoteRule(met)} in ${placeName({ where: chain.where, chain: chain.name })} do`
    return { ...placeOf(start), message, hint: hintOfChain(chain.name) }
  }
  const said = (option: Option, why: (word: string) => string, hint: (word: string) => string): Explanation => {
    const word = wordsAt(start, option.fits)?.[0]
    const written = word?.text ?? option.name
    const message = `${ports} stays shut: ${why(written)}`
    return { ...placeOf(start, word?.offset), message, hint: `write ${hint(written)}` }
  }
  if (text.includes(`-d ${source}`) || text.includes(`daddr ${source}`)) {
    const why = 'matches packets to the address that knocked, not those that come from it'
    return said(
      DESTINATION,
      (word) => `${quoteRule(`${word} %IP%`)} ${why}`,
      (word) => quoteRule(`${word.includes('daddr') ? 'saddr' : '-s'} %IP%`),
    )
  }
  const sender = /(?:--|\b(?:tcp|udp) )sports? (\S+)/.exec(text)?.[1]
  if (sender !== undefined) {
    return said(
      SOURCE_PORT,
      (word) =>
        `${quoteRule(`${word} ${sender}`)} matches packets from that port of the client, not those that go to it here`,
      (word) => quoteRule(`${word.replace('source', 'destination').replace('sport', 'dport')} ${sender}`),
    )
  }
  const published = publishedIn(ruleLines(observation.rulesOpen!).map((line) => line.text)).find((each) =>
    observation.ports.some(({ protocol, port }) => each.protocol === protocol && each.port === port),
  )
  if (published !== undefined && new RegExp(`--dport ${published.port}\\b`).test(text)) {
    return said(
      PORT,
      (word) =>
        `${quoteRule(`${word} ${published.port}`)} matches no packet here: ${quoteRule(published.rule)} has changed the port to ${published.to.port}`,
      (word) =>
        `${quoteRule(`${word} ${published.to.port}`)}, or ${quoteRule(`-m conntrack --ctorigdstport ${published.port}`)}`,
    )
  }
  const device = /(?:-i |\biif(?:name)? )"?([^\s"]+)/.exec(text)?.[1]
  if (device !== undefined && device !== watched) {
    return said(
      INTERFACE,
      () => `the rule is for packets on ${device}, and the knock came in on ${watched}`,
      (word) => `${quoteRule(`${word} ${watched}`)}, or leave the interface out`,
    )
  }
  // If another table takes the packets, it is unknown whether they come to the rule.
  if (where !== observation.culprit!.where) return undefined
  const message = `${ports} stays shut: no packet matches the rule of the start command, ${quoteRule(text.replaceAll(source, '%IP%'))}`
  return {
    ...placeOf(start),
    message,
    hint: `it has to match packets from %IP% to ${ports}, which ${quoteRule(observation.culprit!.rule)} takes`,
  }
}

/** An option of iptables or a word of nft, by all of its spellings. */
interface Option {
  readonly fits: RegExp
  readonly name: string
}

const DESTINATION: Option = { fits: /^(-d|--dst|--destination|daddr)$/, name: 'daddr' }
const SOURCE_PORT: Option = { fits: /^(--sports?|--source-ports?|sport)$/, name: 'sport' }
const PORT: Option = { fits: /^(--dport|--destination-port|dport)$/, name: '--dport' }
const INTERFACE: Option = { fits: /^(-i|--in-interface|iif|iifname)$/, name: 'iifname' }
