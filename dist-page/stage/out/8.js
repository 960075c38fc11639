'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.nextAt = nextAt
exports.leftAt = leftAt
exports.openList = openList
exports.placeAfter = placeAfter
const decryption_js_1 = require('./decryption.js')
const list_js_1 = require('./list.js')
const list_file_js_1 = require('./list-file.js')
function nextAt({ list, used }) {
  return list.sequences[used]
}
function leftAt({ list, used }) {
  return Math.max(0, list.left - used)
}
async function openList(url, secret, onProgress) {
  const list = (0, list_js_1.parseList)(
    await (0, decryption_js_1.decryptList)(await (0, list_file_js_1.fetchList)(url), secret, onProgress),
  )
  return { list, used: 0 }
}
function placeAfter(before, published) {
  const isNew = !(0, list_js_1.isSame)(before.list.sequences[0], published.sequences[0])
  return { list: published, used: isNew ? 0 : before.used + 1 }
}
