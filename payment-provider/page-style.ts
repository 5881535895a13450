/** The look of the shop, so that a buyer does not feel led astray. An outside provider would bring its own. */
export const STYLE = `
:root { color-scheme: light dark; font: clamp(1rem, .75rem + .5vw, 1.375rem)/1.5 system-ui, "Segoe UI", "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif }
body { margin: 0; min-height: 100dvh; padding: 1rem; box-sizing: border-box; display: grid; place-items: center; background: light-dark(#f7f4ef, #14120f); color: light-dark(#221e19, #f1ece4) }
main { box-sizing: border-box; width: 100%; max-width: 24rem; padding: 2rem 1.5rem; text-align: center; background: light-dark(#fffdfa, #1e1b17); border: 1px solid light-dark(#e0d8ca, #383229); border-radius: 1rem; box-shadow: 0 12px 32px light-dark(#3a2f1e14, #0006) }
h1 { font-size: 1.375rem; line-height: 1.2; margin: 0 }
p { margin: .75rem 0 0 }
.amount { font-size: 3rem; font-weight: 750; line-height: 1.2; font-variant-numeric: tabular-nums }
.small { color: light-dark(#665d51, #b3a999); font-size: .875rem; overflow-wrap: anywhere }
svg { width: 3.5rem; margin-bottom: .5rem; fill: none; stroke: currentcolor; stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round }
.good { color: light-dark(#1b6b3f, #7fd6a2) }
.warn { color: light-dark(#835000, #f0bd6a) }
button { font: inherit; font-weight: 650; width: 100%; min-height: 3.25rem; margin-top: 1.25rem; border: 0; border-radius: .625rem; background: light-dark(#b3261e, #ff8c73); color: light-dark(#fff, #33100a); cursor: pointer }
button:hover { background: light-dark(#8f1b14, #ffab98) }
a { color: light-dark(#b3261e, #ff8c73) }
:focus-visible { outline: 3px solid light-dark(#1a56c4, #8fb8ff); outline-offset: 2px }
`
