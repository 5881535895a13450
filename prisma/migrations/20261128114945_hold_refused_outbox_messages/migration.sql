-- AlterTable
ALTER TABLE "outbox" ADD COLUMN     "refused_at" TIMESTAMPTZ(3);
