-- AlterTable
ALTER TABLE "sales" ADD COLUMN     "earlier_terms" JSONB NOT NULL DEFAULT '[]',
ADD COLUMN     "is_stopped" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "version" INTEGER NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "operator_changes" (
    "id" BIGSERIAL NOT NULL,
    "sale_id" TEXT,
    "version" INTEGER,
    "field" TEXT NOT NULL,
    "old_value" JSONB NOT NULL,
    "new_value" JSONB NOT NULL,
    "operator" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "operator_changes_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "operator_changes_sale_id_id_idx" ON "operator_changes"("sale_id", "id");

-- What Prisma's schema language cannot say follows by hand.

-- Every batch of orders reads them.
ALTER TABLE "sales" ADD CONSTRAINT "sales_earlier_terms" CHECK (jsonb_array_length("earlier_terms") <= 100);

-- The columns of "archive" are in the order of their partners, and archived_at stays the last.
ALTER TABLE "archive"."sales" RENAME COLUMN "archived_at" TO "archived_before";
ALTER TABLE "archive"."sales" ADD COLUMN "earlier_terms" JSONB NOT NULL DEFAULT '[]',
ADD COLUMN "is_stopped" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN "version" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN "archived_at" TIMESTAMPTZ(3);
UPDATE "archive"."sales" SET "archived_at" = "archived_before";
ALTER TABLE "archive"."sales" DROP COLUMN "archived_before";
