/**
 * The product's name: on the shop's page, by language, and in the API's document. Pages import it, so it imports
 * nothing.
 */
export const BRAND = { en: 'Seckill', zh: '秒杀' }
