'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
const insecure_context_js_1 = require('./insecure-context.js')
const page_js_1 = require('./page.js')
;(0, insecure_context_js_1.standInForSubtle)()
new page_js_1.Page().start()
