import type { Config, Service } from '../../config/config.ts'
import { readConfig } from '../../config/read.ts'
import { formatService, protocolName } from '../../config/service.ts'
import { sameAddress } from '../../packet/address.ts'
import { REMEDIES } from '../../remedy/remedies.ts'
import type { Remedy } from '../../remedy/remedies.ts'
import { publishedIn } from '../rehearse/published.ts'
import { ruleLines } from '../rehearse/rules.ts'
import type { Rules } from '../rehearse/rules.ts'
import type { Finding } from './finding.ts'

/**
 * Doors that name a container's port where this machine publishes it under one of its own. The guard judges a connection
 * ahead of what changes destinations: there it is still one to this machine, at the port that is published.
 *
 * @param text the config's
 * @param pid of the daemon of this config; `undefined`: none runs
 */
export function judgePublished(
  { doors, file, options }: Config,
  text: string,
  rules: Rules,
  pid: number | undefined,
): readonly Finding[] {
  const published = publishedIn(ruleLines(rules).map(({ text: rule }) => rule))
  const guarded = [...options.guard, ...doors.flatMap(({ opens }) => opens)]
  const isGuarded = (protocol: string, port: number): boolean =>
    guarded.some((each) => each.host === undefined && isAt(each, protocol, port))
  return doors.flatMap(({ name, line, opens }) =>
    opens.flatMap((service) =>
      published
        .filter(({ protocol, to }) => isHost(service, to.address) && isAt(service, protocol, to.port))
        .filter(({ protocol, port }) => !isGuarded(protocol, port))
        .map(({ protocol, port }): Finding => {
          const [container, own] = [formatService(service), `${protocol}/${port}`]
          const message = `door ${name} (line ${line}): ${container} does not hide ${own}, under which this machine publishes it: the guard sees connections ahead of Docker, while they are for ${own}`
          const mend = adding(file, text, container, own, pid) ?? REMEDIES.edit(file, line)
          return { severity: 'fault', subject: 'published', message, mend }
        }),
    ),
  )
}

function isAt({ protocol, first, last }: Service, name: string, port: number): boolean {
  return protocolName(protocol) === name && first <= port && port <= last
}

function isHost({ host }: Service, address: NonNullable<Service['host']>): boolean {
  return host !== undefined && sameAddress(host, address)
}

/** Adds the published port where the container's stands as it is usually written, if that makes a config that can be used. */
function adding(
  file: string,
  text: string,
  container: string,
  own: string,
  pid: number | undefined,
): Remedy | undefined {
  const edited = text.replace(container, `${container},${own}`)
  const found = readConfig(edited, file).config?.doors.some(({ opens }) =>
    opens.some((one) => formatService(one) === own),
  )
  return found === true ? REMEDIES.addPublished(file, container, own, pid) : undefined
}
