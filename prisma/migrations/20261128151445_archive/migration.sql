-- "settle" is the word for writing a decision, or the end of an order, into the ledger.
ALTER TABLE "orders" RENAME COLUMN "told_at" TO "settled_at";
ALTER INDEX "orders_untold" RENAME TO "orders_unsettled";

-- Points are a balance: of archived entries their sum stays.
ALTER TYPE "points_step" ADD VALUE 'CARRIED_OVER';

-- Ended sales move here, with everything that belongs to them. Each table has the columns of its partner, in their
-- order: rows move as they are, and with the search path "archive, public" every query of the live tables reads these.
CREATE SCHEMA "archive";
CREATE TABLE "archive"."sales" (LIKE "public"."sales" INCLUDING ALL);
CREATE TABLE "archive"."decisions" (LIKE "public"."decisions" INCLUDING ALL);
CREATE TABLE "archive"."orders" (LIKE "public"."orders" INCLUDING ALL);
CREATE TABLE "archive"."payments" (LIKE "public"."payments" INCLUDING ALL);
CREATE TABLE "archive"."refunds" (LIKE "public"."refunds" INCLUDING ALL);
CREATE TABLE "archive"."sagas" (LIKE "public"."sagas" INCLUDING ALL);
CREATE TABLE "archive"."order_progress" (LIKE "public"."order_progress" INCLUDING ALL);
CREATE TABLE "archive"."inbox" (LIKE "public"."inbox" INCLUDING ALL);
CREATE TABLE "archive"."coupon_entries" (LIKE "public"."coupon_entries" INCLUDING ALL);
CREATE TABLE "archive"."points_entries" (LIKE "public"."points_entries" INCLUDING ALL);
CREATE TABLE "archive"."risk_reviews" (LIKE "public"."risk_reviews" INCLUDING ALL);
CREATE TABLE "archive"."sale_seconds" (LIKE "public"."sale_seconds" INCLUDING ALL);
CREATE TABLE "archive"."sale_totals" (LIKE "public"."sale_totals" INCLUDING ALL);

-- The only column that a table has more of here.
ALTER TABLE "archive"."sales" ADD COLUMN "archived_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now();

-- An archived sale is audited by itself, among all that there ever were.
CREATE INDEX "decisions_of_sale" ON "archive"."decisions"("sale_id");
CREATE INDEX "orders_of_sale" ON "archive"."orders"("sale_id");
CREATE INDEX "sagas_of_sale" ON "archive"."sagas"("sale_id");
CREATE INDEX "coupon_entries_of_sale" ON "archive"."coupon_entries"("sale_id");
CREATE INDEX "points_entries_of_sale" ON "archive"."points_entries"("sale_id");
CREATE INDEX "risk_reviews_of_sale" ON "archive"."risk_reviews"("sale_id");
