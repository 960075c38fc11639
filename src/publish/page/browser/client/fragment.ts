import { decodeProfile } from '../../../client-profile.ts'
import type { ClientProfile } from '../../../client-profile.ts'
import { Fault } from '../fault.ts'

/** Returns the fragment of a pasted link, or the text if it is a fragment alone. */
export function fragmentIn(pasted: string): string {
  const text = pasted.trim()
  return text.slice(text.indexOf('#') + 1)
}

/** Reads a fragment that is for this page. @throws {@link Fault} for any other one */
export function profileFor(fragment: string, door: string, host: string): ClientProfile {
  const read = decodeProfile(fragment)
  if ('message' in read) {
    throw new Fault('This link has no secret for this page.', `It ${read.message}: ${read.hint ?? ''}.`)
  }
  const profile = read.value
  if (profile.host.toLowerCase() !== host.toLowerCase() || profile.door !== door) {
    throw new Fault(
      `This link is for ${profile.door} at ${profile.host}.`,
      `This page opens ${door} at ${host}, and knocks nowhere else.`,
    )
  }
  return profile
}
