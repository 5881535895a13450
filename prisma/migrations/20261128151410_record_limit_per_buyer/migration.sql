-- AlterTable
ALTER TABLE "decisions" ADD COLUMN     "limit_per_buyer" INTEGER;

-- Orders of before were decided under the limit of their sale.
UPDATE "decisions" SET "limit_per_buyer" = "per_buyer_limit" FROM "sales" WHERE "sales"."id" = "sale_id";
