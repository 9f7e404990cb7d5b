# The work: one job for each shard of the alleles.


rule score:
    input:
        vcf=VCF,
        **inputs_of_model(),
    output:
        **{
            name: temp(path) if not config["keep_shards"] else path
            for name, path in beside(f"{SHARDS_FOLDER}/{{shard}}-of-{{shards}}.{TABLE}").items()
        },
    params:
        options=options_of_score(),
    log:
        "logs/score/{shard}-of-{shards}.log",
    conda:
        "../envs/enformer-vep.yaml"
    threads: 4
    resources:
        # A job that ran out of memory gets more. One that ran out of time needs no more: it goes on where it was.
        mem_mb=lambda wildcards, attempt: 6000 * attempt,
        runtime=240,
    shell:
        # Beside OUT stands OUT.parts with what is finished, which is none of the rule's outputs: Snakemake leaves it
        # where it is when a job fails, and --resume continues from it. With other settings, the folder is another one.
        "TF_NUM_INTRAOP_THREADS={threads} enformer-vep score {input.vcf:q} {params.options} -o {output.table:q}"
        " --shard {wildcards.shard}/{wildcards.shards} --resume > {log:q} 2>&1"


rule merge:
    input:
        tables=shard_tables(),
        beside=[path for table in shard_tables() for path in list(beside(table).values())[1:]],
    output:
        **beside(f"results/{TABLE}"),
    log:
        "logs/merge.log",
    conda:
        "../envs/enformer-vep.yaml"
    resources:
        mem_mb=4000,
        runtime=240,
    shell:
        "enformer-vep merge {output.table:q} {input.tables:q} --overwrite > {log:q} 2>&1"
