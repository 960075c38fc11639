import { ICON, MARK } from '../../../publish/page/icon.ts'
import { Markup, markup } from '../../../publish/page/markup.ts'
import { hashSource } from '../../../publish/page/policy.ts'
import type { Contents } from '../contents.ts'
import { longTimeText, timeText } from '../times.ts'
import { openings, users } from './openings.ts'
import { attention, config, origin, overTime, totals } from './overview.ts'
import { NOTHING } from './parts.ts'
import { Axis } from './pictures.ts'
import { failures, scans } from './strangers.ts'

/** The policy of a page without scripts: its own style and icon, and no request. */
function policyOf(style: string): string {
  return [
    "default-src 'none'",
    `style-src ${hashSource(style)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
}

/** Returns a report as a page that needs no script and loads nothing. All texts are escaped. */
export function pageOf(of: Contents, style: string): string {
  const { from, to } = of
  const axis = from === undefined || to === undefined ? undefined : new Axis(from, to)
  const scope = from === undefined || to === undefined ? 'no time' : `${longTimeText(from)} to ${longTimeText(to)}`
  const isQuiet = of.hours.length === 0
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyOf(style)}">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Postern report of ${of.machine}, ${scope}</title>
<link rel="icon" href="${ICON}">
<style>${new Markup(style)}</style>
</head>
<body>
<main>
<header>${MARK}<div><h1>${of.machine}</h1><p>Postern report, ${scope}, ${of.zone}</p></div></header>
${attention(of)}
${totals(of)}
${isQuiet ? markup`<p class="quiet">There is no opening, no failed knock and no port scan of this time in what was read.</p>` : NOTHING}
${axis === undefined || isQuiet ? NOTHING : overTime(of, axis)}
${axis === undefined || isQuiet ? NOTHING : openings(of, axis)}
${users(of)}
${isQuiet ? NOTHING : failures(of)}
${isQuiet ? NOTHING : scans(of)}
${config(of)}
${origin(of)}
<footer>Made on ${timeText(of.made)} by postern report. It says who came and when: keep it private.</footer>
</main>
</body>
</html>
`.text
}
