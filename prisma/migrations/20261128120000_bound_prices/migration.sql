-- What one order may cost fits its column, and sums over a whole sale are exact in JavaScript.
ALTER TABLE "sales" ADD CONSTRAINT "sales_price" CHECK (
  "price_cents" >= 0
  AND "price_cents"::bigint * "per_buyer_limit" <= 2147483647
  AND "price_cents"::bigint * "stock" <= 9007199254740991
);
